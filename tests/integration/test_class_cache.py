"""Kafka's classes, kept so that it starts quicker: made once, used by every start, and never in the way."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker, class_cache, embedded, train, training
from streams.broker.class_cache import ClassCache
from streams.broker.jars import class_path, jar_cache, locked_jars
from streams.broker.java import find_java
from tests.support.service import eventually

pytestmark = pytest.mark.anyio


async def make_cache() -> None:
    await train(find_java(), class_path(locked_jars(), jar_cache(), lambda _: None))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that a training run makes, in a folder of caches of its own."""
    caches = tmp_path_factory.mktemp("caches")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(caches))
        for module in (embedded, training):  # the tests beside this one leave nothing over
            patch.setattr(module, "NICENESS", 0)
        asyncio.run(make_cache())
    (made,) = (caches / "profilelog").glob("*.aot")
    return made


@pytest.fixture
def cache(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that file, which the brokers of one test use."""
    folder = tmp_path / "caches/profilelog"
    folder.mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent))
    return Path(shutil.copy2(trained, folder))


async def test_a_start_uses_what_a_training_run_made(cache: Path, tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "data") as broker:
        mapped = Path(f"/proc/{broker.pid}/maps").read_text()

    assert str(cache) in mapped


async def test_the_file_is_made_once_and_nothing_stays_of_the_run(cache: Path) -> None:
    before = cache.stat().st_mtime_ns

    await make_cache()

    assert cache.stat().st_mtime_ns == before
    assert [path.name for path in cache.parent.iterdir()] == [cache.name]


async def test_a_damaged_file_is_passed_over(cache: Path, tmp_path: Path) -> None:
    cache.write_bytes(b"not what Java wrote")

    async with EmbeddedBroker(tmp_path / "data") as broker:
        assert str(cache) not in Path(f"/proc/{broker.pid}/maps").read_text()


@pytest.mark.parametrize("opened", ["file", "folder"])
async def test_a_file_that_others_may_write_is_not_used(
    opened: str, cache: Path, tmp_path: Path
) -> None:
    path = cache if opened == "file" else cache.parent
    path.chmod(0o777)

    async with EmbeddedBroker(tmp_path / "data") as broker:
        assert b"AOTCache" not in Path(f"/proc/{broker.pid}/cmdline").read_bytes()


@pytest.mark.usefixtures("cache")
async def test_a_file_for_other_options_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "JAVA_OPTIONS", [*embedded.JAVA_OPTIONS, "-Dother=1"])

    async with EmbeddedBroker(tmp_path / "data") as broker:
        assert b"AOTCache" not in Path(f"/proc/{broker.pid}/cmdline").read_bytes()


async def test_a_run_that_is_cut_off_leaves_no_file_and_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = class_cache.cache_folder() / "training"
    running = asyncio.create_task(make_cache())
    await asyncio.to_thread(eventually, lambda: _processes(folder) or None)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert _processes(folder) == []
    assert [path.name for path in folder.parent.iterdir()] == ["training.lock"]


async def test_a_file_that_java_has_not_finished_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_halfway(folder: Path) -> tuple[list[str], Path]:
        made = folder / "made.aot"
        made.write_bytes(b"the first half")
        return ["-XX:NoSuchOption"], made

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(embedded, "NICENESS", 0)
    monkeypatch.setattr(training, "creation", fails_halfway)

    await make_cache()

    assert list(class_cache.cache_folder().glob("*.aot")) == []


async def test_one_process_trains_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = class_cache.cache_folder() / "training"
    first = asyncio.create_task(make_cache())
    await asyncio.to_thread(eventually, lambda: _processes(folder) or None)

    await make_cache()

    assert not first.done()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


def test_files_that_no_start_has_used_for_a_month_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = class_cache.cache_folder()
    folder.mkdir()
    unused, used, made = (folder / f"kafka-{name}.aot" for name in ("unused", "used", "made"))
    for path in (unused, used, made):
        path.touch()
    long_ago = made.stat().st_mtime - 31 * 24 * 3600
    os.utime(unused, (long_ago, long_ago))
    cache = ClassCache(find_java(), [], [])

    cache.keep(made)

    assert sorted(folder.iterdir()) == sorted([used, cache.file])


def _processes(folder: Path) -> list[str]:
    """The processes of a training run in this folder."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (path / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if os.fsencode(folder) in arguments:
            found.append(path.name)
    return found
