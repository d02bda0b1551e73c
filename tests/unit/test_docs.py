"""The documents have the code's numbers, the glossary has its terms, and the files that they name are there."""

import importlib
import re
from pathlib import Path
from typing import Final

import pytest

from api.settings import Settings

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
KIB: Final = 1 << 10
MIB: Final = 1 << 20
HOUR: Final = 3600
HOUR_MS: Final = 3_600_000

# What a document says, and the constant that has the number: below which folder, its name, and the document's unit.
CONTRACT: Final = (
    ("integer or string, 1 to {} bytes", "schemas", "MAX_BYTES", 1),
    ("keeps its first {} bytes of UTF-8", "schemas", "MAX_BYTES", 1),
    ("at most {} names at its top", "schemas", "MAX_NAMES", 1),
    ("{} levels of hashes are kept", "schemas", "MAX_HASH_LEVELS", 1),
    ("{} filters in all", "schemas/search", "MAX_FILTERS", 1),
    ("{} levels, those in a group", "schemas/search", "MAX_DEPTH", 1),
    ("{} values in all `in-v`", "schemas/search", "MAX_VALUES", 1),
    ("{} filters for substrings", "schemas/search", "MAX_SUBSTRINGS", 1),
    ("of {} characters each", "schemas/search", "MAX_SUBSTRING", 1),
    ("`limit` ({}, at most", "schemas/search", "DEFAULT_LIMIT", 1),
    ("`limit` (50, at most {})", "schemas/search", "MAX_LIMIT", 1),
    ("hour offset from UTC, {} to", "schemas", "FIRST_OFFSET", 1),
    ("hour offset from UTC, -12 to {}", "schemas", "LAST_OFFSET", 1),
    ("at most {} items, else 413", "api", "MAX_ITEMS", 1),
    ("at most {} lines after its header line", "api", "MAX_LINES", 1),
    ("at most {} `errors`", "api", "MAX_ERRORS", 1),
    ("at most {} gzip members", "api", "MAX_MEMBERS", 1),
    ("A key has 1 to {} characters", "api", "MAX_KEY_LENGTH", 1),
    ("waits for it, at most {} s, else 503", "api", "REACH_SECONDS", 1),
    ("and after {} s 202", "api", "SETTLE_SECONDS", 1),
    ("names joined by commas (props as in §9, at most {})", "api", "MAX_PROPS", 1),
    ("when more than {} wait: 503", "api/limits", "MAX_WAITING", 1),
    ("when more than {} wait: 503", "projections/search", "MAX_WAITING", 1),
    ("`description` 1 to {}", "api", "MAX_DESCRIPTION_BYTES", 1),
    ("{} of each kind may be described", "api", "MAX_DESCRIBED", 1),
    ("complete without `limit`, up to {}", "api", "MAX_LISTED", 1),
    ("among the {} that were updated last", "api", "SAMPLE", 1),
    ("at most {} distinct scalars", "projections/properties", "MAX_VALUES", 1),
    ("last ones of each name, at most {}", "projections/tracking.py", "KEPT", 1),
    ("a comment every {} s", "streams", "BEAT_SECONDS", 1),
    ("same key and body within {} h", "projections", "REPEAT_WINDOW_MS", HOUR_MS),
    ("is good for {} hours", "api", "RESUMABLE_SECONDS", HOUR),
    (
        "what {} MiB of newer changes",
        "streams",
        "_RECENT_BYTES",
        MIB,
    ),
    ("holds at most {} MiB of JSON", "projections", "MAX_COMPANY_BYTES", MIB),
)
DESIGN: Final = (
    ("profile id` = {} hex", "schemas", "ID_LENGTH", 1),
    ("a deployment secret ({} bytes", "schemas", "KEY_BYTES", 1),
    ("every {}th offset checks", "projections", "_SWEEP_EVERY", 1),
    ("checks {} rows", "projections", "_SWEPT", 1),
    ("at most {} profiles at once", "streams", "_COMMIT_PROFILES", 1),
    ("in portions of some {} profiles", "streams", "_PORTION", 1),
    ("Commits are {} s apart", "streams", "COMMIT_SECONDS", 1),
    ("feeds the parser {} KiB at a time", "api/http", "_SLICE", KIB),
    ("{} records before each partition's end", "streams", "_PAST_RECORDS", 1),
    ("leave in pages of {}", "streams", "_PAGE", 1),
    ("The {} profiles that were updated last", "api", "SAMPLE", 1),
    ("`transaction.timeout.ms` is {} s", "streams", "TRANSACTION_TIMEOUT_MS", 1000),
    ("among the account's newest {} first", "projections", "DEPTH", 1),
    ("Kafka keeps a tombstone for {} h", "streams", "TOMBSTONES_KEPT_SECONDS", HOUR),
    ("where the last {} h of its log begin", "streams", "TOMBSTONES_SEEN_SECONDS", HOUR),
    ("folded in steps of {} records", "projections", "_SLICE_RECORDS", 1),
    ("where more than {} events are appended", "streams", "MOST_UNFOLDED", 1),
    ("more than {} records of a partition", "streams", "MOST_RECORDS", 1),
    ("{} profiles for the index, the fold of a batch waits", "streams", "MOST_WAITING", 1),
    ("ahead of the documents by at most {}", "streams", "MOST_AHEAD", 1),
    ("the last changes of all accounts, {} MiB in all", "streams", "_RECENT_BYTES", MIB),
)
SETTINGS: Final = (
    ("`PROFILELOG_MAX_BATCHES` ({})", "max_batches", 1),
    ("`PROFILELOG_MAX_RECEIVED_BYTES` ({} MiB)", "max_received_bytes", MIB),
    ("`PROFILELOG_MAX_STREAMS` ({})", "max_streams", 1),
    ("{} s after its first byte (`PROFILELOG_HEADER_TIMEOUT`)", "header_timeout", 1),
    ("over any {} s (`PROFILELOG_BODY_TIMEOUT`)", "body_timeout", 1),
    ("ends after {} s (`PROFILELOG_IDLE_TIMEOUT`)", "idle_timeout", 1),
    ("for {} s (`PROFILELOG_ANSWER_TIMEOUT`)", "answer_timeout", 1),
    ("at most {} KiB together (`PROFILELOG_HEADER_LIMIT`)", "header_limit", KIB),
    ("body too large ({} MiB where nothing else is said", "body_limit", MIB),
    ("Limit {} MiB (16,777,216 bytes) of body", "batch_limit", MIB),
)
TERMS: Final = (
    "append",
    "offset",
    "position",
    "applied",
    "lag",
    "assignment",
    "owner",
    "standby",
    "claim",
    "settle",
    "forget",
    "erase",
    "purge",
    "receipt",
    "cut",
    "lease",
)


def constant(folder: str, name: str) -> float:
    """The one constant of this name below a folder, or in a file: it may be moved within."""
    defines = re.compile(rf"^{name}\b[^=\n]*= ", re.MULTILINE)
    below = ROOT / folder
    files = below.rglob("*.py") if below.is_dir() else [below]
    (file,) = [path for path in files if defines.search(path.read_text())]
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    return vars(importlib.import_module(module))[name]


def says(document: str, sentence: str, number: float) -> bool:
    """Whether the document has the sentence with this number in it, in figures or as a word."""
    figures = f"{number:,.0f}" if number >= 1000 else f"{number:g}"
    number_is = rf"(?:(?<![\d,.]){figures}(?![\d]|[,.]\d){'|ten' if number == 10 else ''})"
    before, _, after = sentence.partition("{}")
    pattern = re.escape(before) + number_is + re.escape(after)
    return re.search(pattern, (DOCS / document).read_text()) is not None


@pytest.mark.parametrize(("sentence", "folder", "name", "unit"), CONTRACT)
def test_the_contract_has_the_numbers_of_the_code(
    sentence: str, folder: str, name: str, unit: int
) -> None:
    assert says("contract.md", sentence, constant(folder, name) / unit)


@pytest.mark.parametrize(("sentence", "setting", "unit"), SETTINGS)
def test_the_contract_has_the_defaults_of_the_settings(
    sentence: str, setting: str, unit: int
) -> None:
    assert says("contract.md", sentence, Settings.model_fields[setting].default / unit)


@pytest.mark.parametrize(("sentence", "folder", "name", "unit"), DESIGN)
def test_the_design_has_the_numbers_of_the_code(
    sentence: str, folder: str, name: str, unit: int
) -> None:
    assert says("design.md", sentence, constant(folder, name) / unit)


def test_a_number_that_the_code_has_not_is_found() -> None:
    assert says("contract.md", "integer or string, 1 to {} bytes", 768)
    assert not says("contract.md", "integer or string, 1 to {} bytes", 767)
    assert not says("contract.md", "{} filters in all", 0)


def test_the_glossary_has_each_term_once() -> None:
    rows = re.findall(r"^\| \*\*([a-z ]+)\*\* \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)

    assert len(rows) == len(set(rows))
    assert set(TERMS) <= set(rows)


def test_the_index_has_every_document() -> None:
    linked = set(re.findall(r"\]\((\w[\w-]*\.md)\)", (DOCS / "README.md").read_text()))

    assert linked == {path.name for path in DOCS.glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/README.md"])
def test_what_is_linked_is_there(document: str) -> None:
    file = ROOT / document
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text())

    assert links
    assert [link for link in links if not (file.parent / link).exists()] == []


def test_what_a_change_has_to_touch_is_there() -> None:
    named = re.findall(r"`((?:\w+/)+\w*(?:\.\w+)?)`", (ROOT / "CONTRIBUTING.md").read_text())

    assert named
    assert [
        path for path in named if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists()
    ] == []
