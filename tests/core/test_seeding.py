import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.core.seeding import derive_seed, seeded

parts = st.lists(st.integers(-(2**70), 2**70) | st.text(max_size=5), max_size=4)


@given(parts)
def test_a_seed_is_a_generators_seed(own: list[int | str]) -> None:
    seed = derive_seed(*own)
    assert 0 <= seed < 2**63
    assert derive_seed(*own) == seed
    torch.Generator().manual_seed(seed)


@given(parts, parts)
def test_other_parts_give_another_seed(one: list[int | str], other: list[int | str]) -> None:
    assert (derive_seed(*one) == derive_seed(*other)) == (one == other)


def test_parts_are_not_run_together() -> None:
    seeds = [(1, 2), (12,), ("1", 2), (1, "2"), ("12",), ("1", "2"), (2, 1), (1, 2, ""), ()]
    assert len({derive_seed(*own) for own in seeds}) == len(seeds)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, lambda value: torch.tensor(value).item()])
def test_a_number_is_the_same_seed_in_any_integer_type(kind) -> None:
    assert derive_seed(kind(7), "mask") == derive_seed(7, "mask")


def test_seeds_are_the_same_in_every_process() -> None:
    """The hash of a string is not: it changes with PYTHONHASHSEED."""
    other = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    code = (
        "from plait.core.seeding import derive_seed\n"
        "print(hash('mask'), derive_seed(0, 'mask'), derive_seed('ä', -1))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": other},
        capture_output=True,
        text=True,
        check=True,
    )
    hashed, *seeds = [int(word) for word in run.stdout.split()]
    assert hashed != hash("mask")
    assert seeds == [derive_seed(0, "mask"), derive_seed("ä", -1)]


def test_the_body_draws_from_its_own_seed() -> None:
    def draw(*own: int | str) -> torch.Tensor:
        with seeded(*own):
            return torch.rand(4)

    first = draw(0, "mask")
    torch.rand(3)
    assert torch.equal(draw(0, "mask"), first)
    assert not torch.equal(draw(0, "digit"), first)
    generator = torch.Generator().manual_seed(derive_seed(0, "mask"))
    assert torch.equal(torch.rand(4, generator=generator), first)


def test_the_global_generator_is_left_as_found() -> None:
    state = torch.get_rng_state()
    with seeded(3):
        torch.rand(5)
        with seeded(4):
            torch.rand(2)
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(ValueError, match="inside"), seeded(3):
        torch.rand(5)
        raise ValueError("inside")
    assert torch.equal(torch.get_rng_state(), state)
