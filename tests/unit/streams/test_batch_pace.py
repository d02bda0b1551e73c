"""What goes first while a batch is received or folded (`streams.partition.batch_pace`)."""

import asyncio

from streams.pace import Pace
from streams.partition.batch_pace import BatchPace

_SECONDS = 10


def test_the_fold_goes_on_at_once_where_the_batch_waits_for_it() -> None:
    async def scenario() -> None:
        pace = BatchPace(Pace())
        with pace.receiving():
            assert pace.is_busy
            between_chunks = asyncio.create_task(pace.let_others_run(write_waits=False))
            await asyncio.sleep(0)
            assert not between_chunks.done()
            with pace.folding_first():
                await asyncio.wait_for(between_chunks, _SECONDS)
                assert not pace.is_busy
                await asyncio.wait_for(pace.let_others_run(write_waits=False), _SECONDS)
            assert pace.is_busy
        assert not pace.is_busy

    asyncio.run(scenario())
