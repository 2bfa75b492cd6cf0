"""What every conditioning has from its base."""

import pytest
import torch
from torch import nn

import plait.sharing.conditioning
from plait.core.keys import safe_key
from plait.core.lookup import names
from plait.sharing.conditioning import Conditioner, Film, LoRA, Masks
from tests.sharing.conditioning.trunks import TASKS, Conditioned

ALL = [
    getattr(plait.sharing.conditioning, n) for n in names(plait.sharing.conditioning, Conditioner)
]


@pytest.mark.parametrize("by", ALL)
def test_objects_with_the_same_options_are_equal_and_frozen(by: type[Conditioner]) -> None:
    assert by() == by()
    assert hash(by()) == hash(by())
    for option in vars(by()):
        with pytest.raises(AttributeError):
            setattr(by(), option, None)


@pytest.mark.parametrize("by", [LoRA(), Masks()])
def test_what_is_drawn_depends_on_seed_task_and_layer(by: Conditioner) -> None:
    def drawn(position: int, seed: int) -> dict[str, torch.Tensor]:
        return Conditioned(by, nn.Linear(40, 40), seed).own(position).state_dict()

    first = drawn(0, 1)
    assert all(torch.equal(first[key], value) for key, value in drawn(0, 1).items())
    for other in (drawn(0, 2), drawn(1, 1)):
        assert any(not torch.equal(first[key], value) for key, value in other.items())


def test_a_unit_has_the_dtype_of_its_layer_and_the_key_of_its_task() -> None:
    made = Conditioned(Film(), nn.Linear(2, 3).double())
    assert [*made.layer.own] == [safe_key(task) for task in TASKS]
    assert all(each.dtype == torch.float64 for each in made.layer.own.parameters())
