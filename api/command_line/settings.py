"""`profilelog settings`: what can be set, and what it is set to."""

from typing import Any

import msgspec
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from rich.table import Column, Table

from api.command_line.options import JsonOption
from api.command_line.output import STDOUT, print_json
from api.settings import PREFIX, Settings, Unit


class Row(msgspec.Struct):
    """One setting, as it is listed. `value` is None where the default depends on the deployment."""

    name: str
    value: str | int | float | None
    unit: str
    default: str | int | float | None
    meaning: str


def settings(json: JsonOption = False) -> None:
    """List the settings with value, unit, default and meaning. Secrets are not shown."""
    rows = _rows(Settings.load())
    if json:
        print_json({"settings": rows})
        return
    name = Column("setting", no_wrap=True)
    table = Table(name, "value", "unit", "default", "meaning", show_lines=True)
    for row in rows:
        table.add_row(row.name, _cell(row.value), row.unit, _cell(row.default), row.meaning)
    STDOUT.print(table)


def _rows(loaded: Settings) -> list[Row]:
    return [
        _row(name, field, getattr(loaded, name))
        for name, field in type(loaded).model_fields.items()
    ]


def _row(name: str, field: FieldInfo, value: Any) -> Row:
    unit = next(each for each in field.metadata if isinstance(each, Unit))
    default = unit.default or _shown(field.default)
    meaning = field.description or ""
    return Row(PREFIX + name.upper(), _shown(value), unit.name, default, meaning)


def _shown(value: Any) -> str | int | float | None:
    if isinstance(value, SecretStr):
        return "(set, not shown)"
    return value if value is None or isinstance(value, int | float) else str(value)


def _cell(value: str | float | None) -> str:
    return "" if value is None else str(value)
