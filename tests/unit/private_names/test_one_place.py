"""What is not public in a library is used in `private_names` alone, and every consumer is made in one place."""

import ast
import importlib
import inspect
import pkgutil
import socket
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from uvicorn import Server

import api
import projections
import schemas
import streams
from private_names.checked import defines
from streams.log.reading import make_reader
from tests.support.service import REPOSITORY

LAYERS = [api, streams, projections, schemas]
MINE = (*(f"{layer.__name__}." for layer in LAYERS), "private_names.", __name__)
FOLDERS = ["api", "streams", "projections", "schemas", "benchmarks", "examples"]
SOURCES = {
    str(file.relative_to(REPOSITORY)): ast.parse(file.read_text())
    for folder in FOLDERS
    for file in sorted((REPOSITORY / folder).rglob("*.py"))
}

# Documented, for all that they begin like a private name.
PUBLIC = {"_asdict", "_exit", "_fields", "_replace"}
# Of the libraries whose insides are used: what is documented of them. All else is imported by `private_names`.
DOCUMENTED = {
    "aiokafka": {"aiokafka", "aiokafka.admin", "aiokafka.admin.config_resource", "aiokafka.errors"},
    "faust": {"faust", "faust.contrib.asgi", "faust.types", "faust.types.auth"},
    "mode": {"mode"},
    "uvicorn": {"uvicorn"},
}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC


def strangers(tree: ast.Module) -> Iterator[str]:
    """Private attributes of anything but the object, its class or a class of the same file."""
    own = {"self", "cls"} | {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            of = ast.unparse(node.value)
            if of not in own and not of.startswith("super("):
                yield f"{of}.{node.attr}"


def test_no_file_uses_a_private_name_of_something_else() -> None:
    found = {file: names for file, tree in SOURCES.items() if (names := list(strangers(tree)))}

    assert found == {}


def test_no_check_of_private_names_is_switched_off_elsewhere() -> None:
    assert [f for f in SOURCES if "reportPrivateUsage" in (REPOSITORY / f).read_text()] == []


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("library", DOCUMENTED)
def test_only_documented_modules_of_a_library_are_imported(library: str) -> None:
    found = {
        (file, module)
        for file, tree in SOURCES.items()
        for module in imports(tree)
        if module.partition(".")[0] == library and module not in DOCUMENTED[library]
    }

    assert found == set()


def clashes(each: type) -> list[str]:
    """The private names in the source of a class that a library's class which it derives from defines."""
    libraries = [base for base in each.__mro__[:-1] if not base.__module__.startswith(MINE)]
    names = private_names_in(each) if libraries else set[str]()
    return [
        f"{each.__qualname__}: {base.__name__}.{name}"
        for base in libraries
        for name in sorted(names)
        if defines(base, name)
    ]


def private_names_in(each: type) -> set[str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(each)))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    replaced = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return {name for name in used | replaced if is_private(name)}


def test_no_class_uses_or_replaces_a_private_name_of_a_librarys_class() -> None:
    """Nor by accident: a library may have a name of ours as well."""
    modules = [
        importlib.import_module(found.name)
        for layer in LAYERS
        for found in pkgutil.walk_packages(layer.__path__, f"{layer.__name__}.")
    ]
    classes = {
        each
        for module in modules
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__ == module.__name__
    }

    assert [clash for each in classes for clash in clashes(each)] == []


def test_a_class_that_does_so_is_found() -> None:
    class Caught(Server):
        async def serve(self, sockets: list[socket.socket] | None = None) -> None:
            await self._serve(sockets)

    assert [clash.rpartition(" ")[2] for clash in clashes(Caught)] == ["Server._serve"]


def makes_consumer(tree: ast.Module) -> bool:
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(ast.unparse(each).endswith("AIOKafkaConsumer") for each in calls)


def test_every_consumer_is_made_by_the_one_factory() -> None:
    places = [REPOSITORY / file for file, tree in SOURCES.items() if makes_consumer(tree)]

    # The example has nothing of ours.
    example = REPOSITORY / "examples" / "plain_consumer.py"
    assert sorted(places) == sorted([Path(inspect.getfile(make_reader)), example])
