"""`profilelog audit`: the state that a service keeps, compared with its log, folded again."""

import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import typer
from rich.table import Table

from api.command_line.bars import Watch, bars
from api.command_line.log_access import log_reader
from api.command_line.logs import configure_logging
from api.command_line.options import DataOption, JsonOption
from api.command_line.output import STDOUT, complain, print_json, print_text
from api.command_line.process import Interrupted, run_to_end
from api.interpreter import tune_garbage_collector
from api.settings import Settings
from projections.auditing.differences import Difference
from projections.auditing.state_files import UnknownFormat
from schemas.errors import OperatorError
from streams.auditing.audit import Audit

_DIFFERENT: Final = 1
_FAILED: Final = 2


def audit(data: DataOption = None, json: JsonOption = False) -> None:
    """Fold the log again and compare the live state with it, row by row.

    Beside a service that runs, or without one. Two audits of one log give the same digests.

    Exit code: 0 nothing is different, 1 something is, 2 it could not look.
    """
    try:
        settings = Settings.load(data=data)
        configure_logging(settings.log_level)
        _check_state(settings.data)
        with bars() as watch:
            audits = run_to_end(lambda: _audit(settings, watch))
    except Interrupted:
        raise
    except Exception as error:
        # 1 says that something is different, so a failure must not end like that.
        complain(error)
        raise typer.Exit(_FAILED) from None
    if json:
        print_json({"same": _same(audits), "partitions": [*map(_described, audits)]})
    else:
        _show(audits)
    if not _same(audits):
        raise typer.Exit(_DIFFERENT)


async def _audit(settings: Settings, watch: Watch) -> list[Audit]:
    """Every partition whose state is here, one at a time, so that one replay at most lies on the disk."""
    audits: list[Audit] = []
    async with log_reader(settings) as log:
        tune_garbage_collector()
        await log.check_unfolded()
        for source in log.sources:
            state = settings.data / "state" / f"{source.topic}-{source.partition}"
            if not state.is_dir():
                continue
            watch.begin(state.name, await log.size([source]))
            with tempfile.TemporaryDirectory(prefix="profilelog-audit-") as scratch:
                done = Audit(source)
                try:
                    await done.run(log, state, Path(scratch) / state.name, watch.advance)
                except UnknownFormat as error:
                    raise OperatorError(
                        f"{state}: {error}; a start of the service removes it and folds it again, if it is damaged "
                        "and its log has everything"
                    ) from None
            audits.append(done)
    return audits


def _check_state(data: Path) -> None:
    """Raises `OperatorError` before anything is started."""
    if not any((data / "state").glob("*-*")):
        raise OperatorError(
            f"there is no state in {data}: name the data folder of the service with --data"
        )


def _same(audits: list[Audit]) -> bool:
    return not any(audit.comparison.count or audit.log_is_damaged for audit in audits)


def _described(audit: Audit) -> dict[str, Any]:
    return {
        "topic": audit.source.topic,
        "partition": audit.source.partition,
        "applied": audit.applied,
        "records": audit.records,
        "rows": audit.comparison.digest.rows,
        "digest": audit.comparison.digest.text(),
        "different": audit.comparison.count,
        "differences": msgspec.to_builtins(audit.comparison.differences),
        **_lost(audit),
    }


def _lost(audit: Audit) -> dict[str, Any]:
    """What the log lacks and the state has; nothing where all is there."""
    if not audit.log_is_damaged:
        return {}
    lost = audit.comparison.lost
    facts = {"rows": lost.rows, "first": lost.first, "last": lost.last}
    if audit.lost_end:
        facts["ends_at"] = audit.end
    return {"log_lacks": facts}


def _show(audits: list[Audit]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("PARTITION", no_wrap=True)
    for column in ("APPLIED", "RECORDS", "ROWS", "DIFFERENT"):
        table.add_column(column, no_wrap=True, justify="right")
    table.add_column("DIGEST", no_wrap=True)
    for audit in audits:
        facts = _described(audit)
        numbers = [str(facts[name]) for name in ("applied", "records", "rows", "different")]
        table.add_row(_name(audit), *numbers, facts["digest"])
    STDOUT.print(table)
    for audit in audits:
        for difference in audit.comparison.differences:
            print_text(f"{_name(audit)}: {_told(difference)}")
        omitted = audit.comparison.count - len(audit.comparison.differences)
        if omitted:
            print_text(f"{_name(audit)}: {omitted} more differences are not listed")
        if damage := _damage(audit):
            print_text(damage)
    if _same(audits):
        print_text("The state is what its log says.")
    else:
        print_text(_KEEP if any(audit.log_is_damaged for audit in audits) else _ADVICE)


def _damage(audit: Audit) -> str | None:
    lost = audit.comparison.lost
    said: list[str] = []
    if audit.lost_end:
        said.append(
            f"ends at offset {audit.end}, and its state has applied all up to {audit.applied}"
        )
    if lost.rows:
        where = (
            "" if lost.first is None else f", of records from offset {lost.first} to {lost.last}"
        )
        said.append(f"lacks what {lost.rows:,} rows of the state say{where}")
    return f"{_name(audit)}: the log {', and '.join(said)}" if said else None


def _name(audit: Audit) -> str:
    return f"{audit.source.topic}-{audit.source.partition}"


def _told(difference: Difference) -> str:
    """`document of profile 3ad6… differs, offset 12`"""
    facts = msgspec.to_builtins(difference)
    ids = [f"{name} {facts[name]}" for name in _IDS if name in facts]
    whose = f" of {', '.join(ids)}" if ids else ""
    where = "" if difference.offset is None else f", offset {difference.offset}"
    return f"{difference.row}{whose}: {_HOW[difference.how]}{where}"


_IDS: Final = ("profile", "deletion", "batch", "company")
_HOW: Final = {
    "differs": "not as the log says",
    "missing": "missing in the state",
    "not in the log": "not in the log",
}
_KEEP: Final = (
    "The log lacks what the state has, so it is the log that is damaged. Keep the folder `state`, and make a copy of "
    "it: it may be the only place that still has this, and what is folded from this log would not. Put the log back "
    "from another replica or a backup (docs/operating.md), and audit again."
)
_ADVICE: Final = (
    "The state is not what its log says. Keep a copy of it for whoever examines it; then stop the "
    "service, remove the folder `state` and start again: the service folds it from the log."
)
