"""The fields of the index: the one place that names them.

===============  ==================================================================================
field            what of a profile
===============  ==================================================================================
``id``           profile id; the term that an update or a delete goes by
``account``      account id: every query has it
``partition``    partition of ``profile-events``; signed, as a delete by term on an unsigned field
                 deletes nothing
``order``        place in a page, see `order_key`
``text``         texts by path, encoded (`encoding.encode_text`)
``number``       numbers and booleans by path; numbers of 2**53 and more as texts
                 (`encoding.encode_large`), since a column that holds a fraction is all doubles;
                 the integer that a text spells too (`schemas.search.numbers`)
``time``         timestamps by path, Unix milliseconds: tantivy's own dates end in 2262
``marks``        ``mark_…`` terms for what has no value in a column: nulls, arrays, hashes, items
``event_count``  how often a tracked event happened, by its name
``event_last``   when last, Unix milliseconds, by its name
``names``        a term for each property and the type of its value (`encoding.name_term`), and for
                 each tracked event (`encoding.event_term`), so that those of an account are a run
                 of the dictionary
``updated``      time of the last change, Unix milliseconds
===============  ==================================================================================
"""

from typing import Final

from tantivy import Schema, SchemaBuilder

from projections.search.encoding import encode_path
from schemas.search.conditions import Path

LAYOUT: Final = 3
"""Of everything in this package that decides what is in the files; another one is rebuilt."""

ID: Final = "id"
ACCOUNT: Final = "account"
PARTITION: Final = "partition"
ORDER: Final = "order"
TEXT: Final = "text"
NUMBER: Final = "number"
TIME: Final = "time"
MARKS: Final = "marks"
EVENT_COUNT: Final = "event_count"
EVENT_LAST: Final = "event_last"
NAMES: Final = "names"
UPDATED: Final = "updated"

ID_DIGITS: Final = 5
"""Leading digits of a profile id that are in its order key."""
_ID_BITS: Final = 4 * ID_DIGITS
_LAST_CREATED: Final = (1 << 43) - 1  # in 2248: what a signed 64-bit number has room for


def schema() -> Schema:
    """tantivy's schema."""
    builder = SchemaBuilder()
    builder.add_text_field(ID, tokenizer_name="raw", index_option="basic", stored=True)
    builder.add_text_field(ACCOUNT, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(MARKS, tokenizer_name="raw", index_option="basic")
    # One text, taken apart by tantivy: as an array it would cost a profile a fifth more.
    builder.add_text_field(NAMES, tokenizer_name="whitespace", index_option="basic")
    builder.add_integer_field(PARTITION, indexed=True)
    builder.add_integer_field(ORDER, fast=True)
    builder.add_integer_field(UPDATED, fast=True)
    for name in (TEXT, NUMBER, TIME, EVENT_COUNT, EVENT_LAST):
        builder.add_json_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


def column(field: str, path: Path) -> str:
    """What tantivy calls the values of `field` at this path."""
    return f"{field}.{encode_path(path)}"


def order_key(created: int, id_digits: str = "") -> int:
    """The number that sorts like (created, id), as far as the first digits of the id go.

    `created` is in Unix milliseconds. A batch creates 265,000 profiles in one millisecond; with 20
    bits of the id a few of them share a key, and `pages` puts those in order.
    """
    created = max(0, min(created, _LAST_CREATED))
    return created << _ID_BITS | int(id_digits.ljust(ID_DIGITS, "0")[:ID_DIGITS], 16)


def created_of(key: int) -> int:
    """The creation time in an order key, Unix milliseconds."""
    return key >> _ID_BITS
