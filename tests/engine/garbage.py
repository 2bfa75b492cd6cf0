"""What Python's collector alone would free: objects that hold each other in a circle."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_behind() -> Iterator[list[object]]:
    """Gives a list that in the end holds what the block has left in circles."""
    found: list[object] = []
    gc.disable()
    gc.freeze()  # what was there before is not looked at, and is no garbage of the block
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.unfreeze()
        gc.enable()
