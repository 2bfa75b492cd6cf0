"""What every test starts from: fixed seeds, one thread, reproducible random examples."""

import importlib.util
import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import settings
from torch import distributed, library

from tests.distributed.group import Group, Groups

torch.set_num_threads(1)

TORCHVISION = library.Library("torchvision", "FRAGMENT")  # goes with its last reference


def declare_operators() -> None:
    """Lets torchvision be imported beside a torch for CPUs alone.

    Its wheel for Linux is linked against CUDA, so that there its operators are not loaded, and the
    import needs two. What has torchvision installed imports it, such as timm and torchmetrics.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in ("nms", "qnms"):
            signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            TORCHVISION.define(f"{name}{signature}")


if importlib.util.find_spec("torchvision"):
    declare_operators()

# A loaded machine must not fail a test by its speed, and a failure must come back.
settings.register_profile("thorough", deadline=None, derandomize=True)  # of `make test-all`
settings.register_profile("plait", settings.get_profile("thorough"), max_examples=40)
settings.load_profile("plait")


@pytest.fixture(autouse=True)
def seeded() -> None:
    random.seed(0)
    np.random.seed(0)
    # `torch.manual_seed` formats the stack for each kind of device that is not there: 1 ms here
    devices = torch if torch.accelerator.is_available() else torch.default_generator
    devices.manual_seed(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if torch.accelerator.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs an accelerator; found none"))


@pytest.fixture
def double() -> Iterator[None]:
    """Makes new tensors in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="session")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Groups]:
    """Groups of processes, one for all tests that ask for one."""
    found = Groups(tmp_path_factory.mktemp)
    yield found
    found.close()


@pytest.fixture
def two(groups: Groups) -> Group:
    """Two processes that are a group."""
    return groups.of(2)


@pytest.fixture
def alone() -> Iterator[None]:
    """A process group of this process."""
    distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
    yield
    distributed.destroy_process_group()
