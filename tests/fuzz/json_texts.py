"""JSON as a client, a bug or an attacker writes it: the grammar, and what is nearly it."""

from typing import Final

from hypothesis import strategies as st

from tests.fuzz.pieces import Pieces, concatenated, pieces, separated

TIMES: Final = st.sampled_from((1, 1, 1, 2, 30, 1000, 100_000))
"""How often something is repeated; long enough that work which grows with the square of it is seen."""

_NUMBERS: Final = (
    *(b"0", b"-0", b"1", b"-1", b"0.5", b"1e3", b"1E+2", b"12345678901234567", b"9007199254740993"),
    *(b"18446744073709551616", b"-9223372036854775809", b"1.7976931348623157e308", b"5e-324"),
    *(b"1e400", b"-1e400", b"1e-400", b"1e999999999", b"1870256280000", b"1870256280"),
    *(b"01", b"+1", b".5", b"1.", b"0x10", b"NaN", b"Infinity", b"-Infinity", b"1_000", b"--1"),
)
_WORDS: Final = (b"null", b"true", b"false", b"None", b"undefined", b"nul", b"True")

_CHARACTERS: Final = (
    *(b"a", b"Ada", b"_", b" ", b"$unset", b"$now", b"+30d", b"undefined", b"null", b"NaN"),
    *(b"[object Object]", b"0000-00-00", b"2029-04-07 12:18:00 UTC", b"2029-08-21", b"1e400"),
    *(
        "ß ﬁ İ ı é e\u0301 \u00e9 日本 🚧 \U0001f468\u200d\U0001f469 \u202e \ufeff \u200b \ufffd \uffff".encode().split(
            b" "
        )
    ),
    *(
        b"\\n",
        b"\\t",
        b"\\u0000",
        b"\\u0001",
        b"\\ud83d\\ude00",
        b"\\ud800",
        b"\\udc00",
        b"\\\\",
        b'\\"',
        b"\\/",
    ),
    *(
        b"\\x",
        b"\\u12",
        b"\\",
        b"\x00",
        b"\x1f",
        b"\x7f",
        b"\n",
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xe2\x82",
    ),
)
_SWELLING: Final = (
    *(b"a", b" ", b"_", b"aB", b"1", b"\\\\", b"\\u0301", b"\xf0\x9f\x9a\xa7", b"\xc3\x9f"),
    *("\u0301", "\u0301\u0316", "\u0327\u0301", "\u1100\u1161"),
)
_NAMES: Final = (
    *(
        b"uid",
        b"id",
        b"email",
        b"company_id",
        b"company_uid",
        b"name",
        b"plan",
        b"Email",
        b"companyId",
    ),
    *(
        b"created_at",
        b"updated_at",
        b"percent",
        b"company",
        b"browser_tz",
        b"browser_n",
        b"delivery_ids",
    ),
    *(
        b"last_seen_at",
        b"last_seen_session_count",
        b"account_secret",
        b"events",
        b"expand",
        b"kind",
        b"prop",
    ),
)
_BLANKS: Final = st.sampled_from((b"", b"", b"", b" ", b"\n", b"\t", b"\r\n", b"\x0b", b"\xc2\xa0"))


def _encoded(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _characters() -> st.SearchStrategy[Pieces]:
    single = st.sampled_from(_CHARACTERS).map(pieces)
    swollen = st.builds(pieces, st.sampled_from([_encoded(each) for each in _SWELLING]), TIMES)
    plain = st.text(max_size=6).map(lambda text: pieces(text.encode(errors="surrogatepass")))
    return st.one_of(single, single, plain, swollen)


def _quoted(inner: Pieces) -> Pieces:
    return pieces(b'"') + inner + pieces(b'"')


def texts() -> st.SearchStrategy[Pieces]:
    """A JSON string, or nearly one."""
    return st.lists(_characters(), max_size=3).map(concatenated).map(_quoted)


def names() -> st.SearchStrategy[Pieces]:
    """A member's name: one that the service knows, or any."""
    known = st.sampled_from(_NAMES).map(lambda name: _quoted(pieces(name)))
    return st.one_of(known, known, texts())


def scalars() -> st.SearchStrategy[Pieces]:
    numbers = st.one_of(
        st.sampled_from(_NUMBERS).map(pieces),
        st.builds(pieces, st.sampled_from((b"1", b"9")), TIMES),
        TIMES.map(lambda times: pieces(b"0.") + pieces(b"3", times)),
    )
    return st.one_of(numbers, texts(), st.sampled_from(_WORDS).map(pieces))


@st.composite
def _containers(draw: st.DrawFn, inner: st.SearchStrategy[Pieces]) -> Pieces:
    members = draw(st.lists(inner, max_size=4))
    blank = draw(_BLANKS)
    if draw(st.booleans()):
        return pieces(b"[" + blank) + separated(members, blank + b",") + pieces(blank + b"]")
    return object_of([draw(names()) + pieces(blank + b":") + each for each in members])


def object_of(members: list[Pieces]) -> Pieces:
    return pieces(b"{") + separated(members, b",") + pieces(b"}")


@st.composite
def _deep(draw: st.DrawFn) -> Pieces:
    """Much nesting, that ends where it began or does not."""
    opening, closing = draw(st.sampled_from(((b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]"))))
    times = draw(TIMES)
    ends = draw(st.sampled_from((times, times, times - 1)))
    return pieces(opening, times) + draw(scalars()) + pieces(closing, ends)


def values() -> st.SearchStrategy[Pieces]:
    """A JSON value, or nearly one."""
    return st.one_of(
        scalars(), st.recursive(scalars(), _containers, max_leaves=5), _deep(), repeated_arrays()
    )


@st.composite
def repeated_arrays(draw: st.DrawFn) -> Pieces:
    item = draw(st.sampled_from((b"1", b"{}", b"null", b'""', b"[]", b'{"uid":1}', b'{"a":{}}')))
    return pieces(b"[" + item) + pieces(b"," + item, draw(TIMES)) + pieces(b"]")


@st.composite
def members(draw: st.DrawFn) -> Pieces:
    return draw(names()) + pieces(b":") + draw(values())


@st.composite
def mutated(draw: st.DrawFn, whole: st.SearchStrategy[Pieces]) -> Pieces:
    """The text with something lost, doubled, exchanged or put in, mostly as it is."""
    text = draw(whole)
    kind = draw(
        st.sampled_from(
            ("none", "none", "none", "cut", "drop", "double", "put", "before", "behind", "utf-16")
        )
    )
    parts = text.parts
    at = draw(st.integers(0, max(0, len(parts) - 1)))
    junk = draw(
        st.one_of(
            st.binary(max_size=3), st.sampled_from((b"\xef\xbb\xbf", b"{}", b",", b"\x00", b"}"))
        )
    )
    match kind:
        case "cut":
            return Pieces(parts[:at])
        case "drop":
            return Pieces(parts[:at] + parts[at + 1 :])
        case "double":
            return Pieces(parts[: at + 1] + parts[at:])
        case "put":
            return Pieces((*parts[:at], (junk, 1), *parts[at:]))
        case "before":
            return pieces(draw(st.sampled_from((b"\xef\xbb\xbf", b" ", b"\xff\xfe", junk)))) + text
        case "behind":
            return text + pieces(draw(st.sampled_from((b" {}", b"\n", b"\x00", b",", junk))))
        case "utf-16":
            return Pieces(tuple((_as_utf16(each), times) for each, times in parts))
        case _:
            return text


def _as_utf16(text: bytes) -> bytes:
    return text.decode("latin-1").encode("utf-16-le")
