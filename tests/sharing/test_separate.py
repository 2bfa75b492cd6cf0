"""One encoder for each task."""

import copy

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.sharing import Separate
from tests.sharing.encoders import conv, mlp

EXAMPLE = torch.zeros(2, 5)


def new(
    encoder: nn.Module, tasks: str = "abc", *, copies: str = "clone", seed: int = 0
) -> Separate:
    sharing = Separate(encoder, copies=copies)
    sharing.setup(list(tasks), EXAMPLE, seed)
    return sharing


def start(network: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_clones_start_from_the_weights_of_the_encoder() -> None:
    encoder = mlp()
    networks = new(encoder).networks()
    assert list(networks) == ["a", "b", "c"]
    assert all(torch.equal(start(network), start(encoder)) for network in networks.values())
    places = {p.data_ptr() for network in networks.values() for p in network.parameters()}
    assert len(places) == 3 * len(list(encoder.parameters()))
    assert not places & {p.data_ptr() for p in encoder.parameters()}


def test_the_encoder_itself_is_no_part_of_it() -> None:
    encoder = mlp()
    sharing = new(encoder)
    assert all(p is not q for p in sharing.parameters() for q in encoder.parameters())
    with torch.no_grad():
        encoder[0].weight.fill_(7.0)
    assert not any((p == 7.0).all() for p in sharing.parameters())


def test_reset_draws_new_weights_for_each_task_from_its_name_and_the_seed() -> None:
    encoder = mlp()
    joint = {t: start(n) for t, n in new(encoder, copies="reset").networks().items()}
    alone = start(new(encoder, "b", copies="reset").networks()["b"])
    other = start(new(encoder, "b", copies="reset", seed=1).networks()["b"])
    assert torch.equal(joint["b"], alone)
    assert not torch.equal(alone, other)
    starts = [start(encoder), *joint.values()]
    assert not any(torch.equal(s, t) for i, s in enumerate(starts) for t in starts[:i])


@pytest.mark.parametrize("copies", ["clone", "reset"])
def test_a_factory_does_as_well(copies: str) -> None:
    sharing = Separate(mlp, copies=copies)
    sharing.setup(["a", "b"], EXAMPLE, 5)
    again = Separate(mlp, copies=copies)
    again.setup(["b", "a"], EXAMPLE, 5)
    one, two = sharing.networks(), again.networks()
    assert torch.equal(start(one["a"]), start(one["b"])) == (copies == "clone")
    assert all(torch.equal(start(one[task]), start(two[task])) for task in "ab")


def test_unknown_copies_are_refused() -> None:
    with pytest.raises(ConfigError, match="`copies` must be 'clone' or 'reset'; found 'share'"):
        new(mlp(), copies="share")


def test_a_task_changes_its_own_network_alone() -> None:
    sharing = Separate(conv())
    images = torch.randn(4, 2, 6, 8)
    sharing.setup(["a", "b"], images)
    before = copy.deepcopy(sharing.state_dict())
    optimizer = torch.optim.SGD(sharing.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        sharing(images, tasks=["a"])["a"].levels[-1].square().sum().backward()
        optimizer.step()
    changed = {key for key, value in sharing.state_dict().items() if not value.equal(before[key])}
    assert changed
    assert all("task:a" in key for key in changed)  # its batch statistics are among them
    assert any("running_mean" in key for key in changed)


def test_is_set_up_for_one_model() -> None:
    sharing = new(mlp())
    before = copy.deepcopy(sharing.state_dict())
    with pytest.raises(ConfigError, match="Make a new Separate"):
        sharing.setup(["a"], EXAMPLE)
    assert all(torch.equal(value, before[key]) for key, value in sharing.state_dict().items())
