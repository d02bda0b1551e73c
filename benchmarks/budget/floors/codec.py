"""The JSON codec alone: an item of a batch decoded, and its event encoded.

Run: python -m benchmarks.budget.floors.codec COUNT CORE, which prints a floor of each batch as JSON.
"""

import os
import sys

import msgspec

from api.interpreter import tune_garbage_collector
from benchmarks.budget.cores import bind
from benchmarks.budget.floors.floor import Floor, Stopwatch
from benchmarks.budget.floors.items import BODIES, make_items
from schemas.events import encode
from schemas.identity import KEY_BYTES, Identity


def measure_codec(count: int) -> dict[int, Floor]:
    """Of each profile, by the size of the batch; `count` of them are decoded and encoded."""
    tune_garbage_collector()
    return {size: _measure(size, count) for size in BODIES}


def _measure(size: int, count: int) -> Floor:
    items = make_items(size, count, Identity(bytes(KEY_BYTES), 1))
    watch, decode = Stopwatch(), msgspec.json.decode
    with watch.running():
        for sent, event in items:
            decode(sent)
            encode(event)
    return watch.floor(len(items))


if __name__ == "__main__":
    bind(os.getpid(), {int(sys.argv[2])})
    sys.stdout.buffer.write(msgspec.json.encode(measure_codec(int(sys.argv[1]))))
