"""What tests of the engine may ask for."""

from collections.abc import Iterator

import pytest
from torch import distributed


@pytest.fixture
def alone() -> Iterator[None]:
    """A process group of this process."""
    distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
    yield
    distributed.destroy_process_group()
