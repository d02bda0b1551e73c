"""How Python's garbage collector is set for a process that folds."""

import gc


def tune_garbage_collector() -> None:
    """Keep the collector from looking again and again at what lives on.

    What a start leaves behind lives as long as the process, and the objects of a batch are freed
    by their reference counts. With Python's own thresholds a batch of 265,000 costs 2.4 s of
    collections, up to 170 ms each; with these 0.1 s, up to 35 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
