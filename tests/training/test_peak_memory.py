"""What a body takes is seen, and what was taken before it is not."""

import mmap
from pathlib import Path

import pytest
import torch

from plait.training import peak_memory
from plait.training.peak_memory import PeakMemory

MIB = 2**20
SLACK = 16 * MIB  # libraries allocate too, and freed memory may stay with the process


def take(mib: int) -> None:
    """Takes memory from the system, and gives it back.

    Not by `bytearray`: in a process that has freed much, the allocator may hand out pages that are
    resident already, and the peak does not grow.
    """
    with mmap.mmap(-1, mib * MIB) as block:
        for page in range(0, mib * MIB, mmap.PAGESIZE):
            block[page] = 1


def peak_of(mib: int) -> int:
    with PeakMemory() as peak:
        take(mib)
    assert peak.bytes is not None
    return peak.bytes


needs_linux = pytest.mark.skipif(
    not peak_memory._set_back() or peak_memory._high_water_mark() is None,
    reason="this system has no high-water mark that can be set back",
)


@needs_linux
def test_the_peak_grows_by_what_the_body_took() -> None:
    small, large = peak_of(1), peak_of(201)
    assert abs(large - small - 200 * MIB) < SLACK


@needs_linux
def test_what_was_freed_before_does_not_count() -> None:
    take(300)
    assert peak_of(1) < peak_of(300) - 200 * MIB


@needs_linux
def test_an_outer_measurement_keeps_what_it_saw_before_an_inner_one() -> None:
    with PeakMemory() as outer:
        take(200)
        with PeakMemory() as inner:
            take(50)
    assert outer.bytes is not None and inner.bytes is not None
    assert abs(outer.bytes - inner.bytes - 150 * MIB) < SLACK
    with PeakMemory() as after:
        pass
    assert after.bytes is not None and after.bytes < outer.bytes - 100 * MIB


@needs_linux
def test_an_error_ends_the_measurement_as_well() -> None:
    with pytest.raises(ValueError), PeakMemory() as peak:
        raise ValueError
    assert peak.bytes is not None
    assert not PeakMemory._open


@pytest.mark.parametrize("name", ["CLEAR", "STATUS"])
def test_a_system_that_does_not_say_gives_none(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peak_memory, name, tmp_path / "absent" / "file")
    with PeakMemory() as peak:
        take(1)
    assert peak.bytes is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_tensors_are_counted() -> None:
    with PeakMemory("cuda") as peak:
        torch.zeros(64 * MIB, dtype=torch.uint8, device="cuda")
    assert peak.bytes is not None and peak.bytes >= 64 * MIB
