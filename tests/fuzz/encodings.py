"""How a body is compressed: as the header says, in odd members, or not at all as it says."""

import gzip
from dataclasses import dataclass
from typing import Final

import zstandard
from hypothesis import strategies as st

_MEMBERS: Final = st.sampled_from((0, 0, 0, 1, 2, 50, 20_000))


@dataclass(frozen=True, slots=True)
class Encoding:
    """`label` is the Content-Encoding, `method` what is done, with so many empty members before the body.

    `cut` takes so many bytes off the end, `tail` comes behind it.
    """

    label: str = ""
    method: str = ""
    empty_members: int = 0
    cut: int = 0
    tail: bytes = b""

    def applied(self, body: bytes) -> bytes:
        empty, whole = self._compressed(b""), self._compressed(body)
        sent = (empty * self.empty_members if self.method else b"") + whole
        return sent[: len(sent) - self.cut] + self.tail

    def _compressed(self, body: bytes) -> bytes:
        match self.method:
            case "gzip":
                return gzip.compress(body, 1, mtime=0)
            case "zstd":
                return zstandard.compress(body, 1)
            case _:
                return body


PLAIN: Final = Encoding()


def encodings() -> st.SearchStrategy[Encoding]:
    """Mostly plain or right."""
    right = st.sampled_from(("gzip", "zstd")).flatmap(
        lambda method: st.builds(Encoding, st.just(method), st.just(method), empty_members=_MEMBERS)
    )
    wrong = st.builds(
        Encoding,
        st.sampled_from(("gzip", "zstd", "x-gzip", "br", "gzip, gzip", "GZIP", "identity")),
        st.sampled_from(("gzip", "zstd", "")),
        empty_members=_MEMBERS,
        cut=st.integers(0, 9),
        tail=st.sampled_from((b"", b"\x00", b"\x1f\x8b", b"{}")),
    )
    return st.one_of(st.just(PLAIN), st.just(PLAIN), right, wrong)
