"""Which stage of the work a sampled stack belongs to.

A stack is searched from its innermost call outwards, and the first frame that belongs to a stage decides. What several
stages call (schemas, the RocksDB storage, the standard library) belongs to none, so its caller decides. Our own code is
asked before the libraries, and the code of a library for one purpose before what it uses for all: an append that a
relay makes is the relay's, and the encoding of a fetch request is the fetch's.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from benchmarks.processes import REPOSITORY

_ENVIRONMENT: Final = re.compile(r".*/(?:site-packages|python3\.\d+)/")
_FRAME: Final = re.compile(r"(?P<function>.*) \((?P<path>.*?)(?::\d+)?\)")


class Stage(StrEnum):
    """The columns of the budget, in the order in which a write passes them."""

    HTTP = "HTTP"
    NORMALIZE = "normalize"
    READ = "read"
    SEND = "send"
    FETCH = "fetch"
    FOLD = "fold"
    CLAIM = "claim"
    PUBLISH = "publish"
    INDEX = "index feed"
    REST = "loop and rest"


class Frame(NamedTuple):
    """A function, with its class where it has one, and its file below the repository or its package."""

    function: str
    path: str

    @classmethod
    def parse(cls, text: str) -> "Frame":
        """From `function (path:line)`, as py-spy writes it."""
        found = _FRAME.fullmatch(text)
        if found is None:
            return cls(text, "")
        return cls(found["function"], _short(found["path"]))


# A rule is the beginning of a path, and, behind a `#`, of the function's name in that file.
_Rules = Mapping[str, Stage]

_OURS: Final[_Rules] = {
    "api/commands/": Stage.NORMALIZE,
    "api/bodies": Stage.NORMALIZE,
    "api/envelopes": Stage.NORMALIZE,
    "api/decompression": Stage.NORMALIZE,
    "api/limits/": Stage.NORMALIZE,
    "api/surrogates": Stage.NORMALIZE,
    "api/": Stage.HTTP,
    "projections/fold/": Stage.FOLD,
    "projections/profiles#ProfileState.apply": Stage.FOLD,
    "projections/profiles#ProfileState._": Stage.FOLD,
    "projections/profiles#ProfileState.read": Stage.READ,
    "projections/companies/": Stage.READ,
    "projections/search/": Stage.READ,
    "projections/email_index": Stage.CLAIM,
    "projections/changes": Stage.INDEX,
    "streams/log/appender": Stage.SEND,
    "streams/log/transactions": Stage.PUBLISH,
    "streams/log/": Stage.FETCH,
    "streams/consumer_group/": Stage.FETCH,
    "streams/partition/claim_sender": Stage.CLAIM,
    "streams/partition/email_": Stage.CLAIM,
    "streams/partition/settlement": Stage.CLAIM,
    "streams/partition/relay": Stage.PUBLISH,
    "streams/partition/progress": Stage.PUBLISH,
    "streams/partition/": Stage.FOLD,
    "streams/change_streams/": Stage.PUBLISH,
    "streams/indexing/": Stage.INDEX,
}
_LIBRARIES: Final[_Rules] = {
    "private_names/of_uvicorn": Stage.HTTP,
    "uvicorn/": Stage.HTTP,
    "litestar/": Stage.HTTP,
    "private_names/of_faust": Stage.FETCH,
    "faust/": Stage.FETCH,
    "mode/": Stage.FETCH,
    "aiokafka/consumer/": Stage.FETCH,
    "aiokafka/coordinator/": Stage.FETCH,
    "aiokafka/producer/sender#Sender._do_": Stage.PUBLISH,  # what only transactions ask for
    "aiokafka/producer/": Stage.SEND,
}
# Connections serve every client. What reads a socket has no caller that would say which; most are the producer's.
_CONNECTIONS: Final[_Rules] = {"aiokafka/": Stage.SEND, "asyncio/streams": Stage.SEND}


def stage_of(stack: Sequence[Frame]) -> Stage:
    """The stage of what the event loop has called, given from the outermost call to the innermost."""
    for rules in (_OURS, _LIBRARIES, _CONNECTIONS):
        for frame in reversed(stack):
            for rule, stage in rules.items():
                if _matches(frame, rule):
                    return stage
    return Stage.REST


def _matches(frame: Frame, rule: str) -> bool:
    path, _, function = rule.partition("#")
    return frame.path.startswith(path) and frame.function.startswith(function)


def _short(path: str) -> str:
    """Below the repository, or below the folder of a library or of Python itself."""
    installed = _ENVIRONMENT.match(path)
    if installed is not None:
        return _ENVIRONMENT.sub("", path)
    return path.removeprefix(f"{REPOSITORY}/")
