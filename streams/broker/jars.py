"""Kafka's jars: the locked class path, fetched once through jgo and verified at every start.

`jars.lock` names each jar and its sha256, so a start resolves nothing and runs nothing else than
what was locked. `python -m streams.broker.lock_jars` makes it anew.
"""

import hashlib
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.maven import MavenContext

from streams.broker.errors import JarMismatch, JarsUnavailable, first_line

_PARALLEL_DOWNLOADS = 6
_DOWNLOAD_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    def path_in(self, repository: Path) -> Path:
        """Where the jar lies in a local Maven repository."""
        folder = repository.joinpath(*self.group.split("."), self.artifact, self.version)
        return folder / f"{self.artifact}-{self.version}.jar"


def locked_jars() -> list[Jar]:
    """The jars of `jars.lock`, in class path order."""
    text = files("streams.broker").joinpath("jars.lock").read_text("ascii")
    return [_parsed(line) for line in text.splitlines() if not line.startswith("#")]


def _parsed(line: str) -> Jar:
    coordinate, sha256 = line.split(" ")
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, sha256)


def jar_cache() -> Path:
    """The local Maven repository that jgo uses; it may be shared with other programs."""
    return GlobalSettings.load().repo_cache


def sha256_of(path: Path) -> str:
    """The hex sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def class_path(jars: list[Jar], cache: Path, progress: Callable[[str], None]) -> list[Path]:
    """The path of every jar, fetched where it is missing, each with the sha256 of the lock.

    Blocks: some 0.1 s when all are in the cache, some seconds when they are fetched. `progress`
    is called from several threads.

    Raises:
        JarMismatch: a jar is not the one that was locked.
        JarsUnavailable: a jar is missing and cannot be fetched.
    """
    missing = [jar for jar in jars if not jar.path_in(cache).exists()]
    if missing:
        _fetch(missing, cache, progress)
    paths = [jar.path_in(cache) for jar in jars]
    for jar, path in zip(jars, paths, strict=True):
        _verify(jar, path)
    return paths


def _fetch(jars: list[Jar], cache: Path, progress: Callable[[str], None]) -> None:
    """Bring jars into the cache, verified before they get their name there."""
    progress(f"fetching Apache Kafka, {len(jars)} jars (only this once)")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # jgo writes a download under its final name, so one that was cut off would stay and count
        # as fetched. Here it stays in a folder that goes, and a whole one moves at once.
        with tempfile.TemporaryDirectory(prefix=".profilelog-", dir=cache) as staging:
            context = MavenContext(repo_cache=Path(staging), timeout=_DOWNLOAD_TIMEOUT_S)

            def fetch(jar: Jar) -> None:
                _fetch_one(jar, context, cache)

            with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
                for done, _ in enumerate(pool.map(fetch, jars), start=1):
                    progress(f"fetched {done} of {len(jars)} jars")
    except OSError as error:
        raise JarsUnavailable(jar=str(jars[0]), cache=cache, reason=str(error)) from error


def _fetch_one(jar: Jar, context: MavenContext, cache: Path) -> None:
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    try:
        staged = component.artifact().resolve()
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors; jgo's 404 is not
        raise JarsUnavailable(jar=str(jar), cache=cache, reason=first_line(error)) from error
    _verify(jar, staged)
    path = jar.path_in(cache)
    path.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(path)


def _verify(jar: Jar, path: Path) -> None:
    actual = sha256_of(path)
    if actual != jar.sha256:
        raise JarMismatch(path=path, expected=jar.sha256, actual=actual)
