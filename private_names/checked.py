"""The check that a library has the names that are not public there.

A library that has moved one of them would often run and do the wrong thing: an attribute that is set under a name that
nobody reads any more is no error.
"""

import dis
import inspect
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from types import FunctionType
from typing import Any


class WrongVersion(ImportError):
    """A library is not of the version that this was written for; the text says which one to install."""


@dataclass(frozen=True)
class Library:
    """A distribution, and the version whose private names are used (as pyproject.toml pins it)."""

    name: str
    version: str

    @contextmanager
    def importing(self) -> Generator[None]:
        """For imports from modules that are not public. Raises `WrongVersion` in place of ImportError."""
        try:
            yield
        except ImportError as error:
            raise self._wrong(error.msg) from error

    def check_names(self, names: Mapping[Any, Collection[str]]) -> None:
        """Checks that classes and modules define these names. Raises `WrongVersion`."""
        missing = [
            f"{owner.__name__}.{name}"
            for owner, wanted in names.items()
            for name in wanted
            if not defines(owner, name)
        ]
        if missing:
            raise self._wrong(f"it has no {', '.join(missing)}")

    def check_parameters(self, parameters: Mapping[Callable[..., Any], Collection[str]]) -> None:
        """Checks that functions and classes have these parameters and no others. Raises `WrongVersion`."""
        changed = [
            f"{function.__qualname__}({', '.join(sorted(difference))})"
            for function, wanted in parameters.items()
            if (difference := set(wanted) ^ (_parameters(function) - {"self"}))
        ]
        if changed:
            raise self._wrong(f"it has other parameters: {', '.join(changed)}")

    def _wrong(self, what: str) -> WrongVersion:
        try:
            installed = version(self.name)
        except PackageNotFoundError:
            installed = "no version"
        return WrongVersion(
            f"{self.name} {self.version} is expected, and {installed} is installed ({what}): install the versions of "
            "requirements.lock"
        )


def defines(owner: Any, name: str) -> bool:
    """Whether a class or module has an attribute, or a method of the class gives it to its objects."""
    if hasattr(owner, name):
        return True
    classes: tuple[type, ...] = getattr(owner, "__mro__", ())
    functions = (
        each
        for part in classes
        for each in vars(part).values()
        if isinstance(each, FunctionType) and name in each.__code__.co_names
    )
    return any(
        step.opname == "STORE_ATTR" and step.argval == name
        for function in functions
        for step in dis.get_instructions(function)
    )


def _parameters(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters)
