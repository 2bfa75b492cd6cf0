"""One encoder for each task."""

import copy

import pytest
import torch
from torch import nn

from plait.core import PerTask
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
    with pytest.raises(
        ConfigError, match=r"`copies` of Separate must be 'clone' or 'reset'; found 'share'"
    ):
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


# --- networks that differ -----------------------------------------------------------------------


def wide() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 9), nn.ReLU())


def test_an_encoder_for_each_task_is_copied_from_its_own() -> None:
    encoders = {"b.c": wide(), "a": mlp()}
    sharing = Separate(encoders)
    sharing.setup(["a", "b.c"], EXAMPLE)
    networks = sharing.networks()
    for task, encoder in encoders.items():
        assert torch.equal(start(networks[task]), start(encoder))
        assert networks[task] is not encoder
    assert sharing.shapes["b.c"].levels == ((9,), (9,))
    found = sharing(torch.randn(3, 5))
    assert found["a"].levels[-1].shape == (3, 4)
    assert found["b.c"].levels[-1].shape == (3, 9)


def test_one_encoder_under_two_names_gives_two_networks() -> None:
    encoder = mlp()
    sharing = Separate({"a": encoder, "b": encoder})
    sharing.setup(["a", "b"], EXAMPLE)
    places = [{p.data_ptr() for p in net.parameters()} for net in sharing.networks().values()]
    assert not places[0] & places[1]


def test_factories_of_each_task_are_drawn_under_its_name() -> None:
    for copies in ("clone", "reset"):
        sharing = Separate({"a": mlp, "b": wide, "unused": mlp}, copies=copies)
        sharing.setup(["a", "b"], EXAMPLE, 4)
        alone = Separate({"b": wide}, copies=copies)
        alone.setup(["b"], EXAMPLE, 4)
        assert torch.equal(start(sharing.networks()["b"]), start(alone.networks()["b"]))


def test_a_task_without_encoder_is_refused() -> None:
    with pytest.raises(ConfigError, match="task 'b' has no encoder; found those of a, c"):
        Separate({"a": mlp(), "c": mlp()}).setup(["a", "b"], EXAMPLE)


# --- connected ----------------------------------------------------------------------------------


def test_without_connections_the_connected_features_are_the_plain_ones() -> None:
    sharing = new(mlp(), copies="reset")
    x = torch.randn(3, 5)
    own = PerTask({task: torch.randn(2 + i, 5) for i, task in enumerate("abc")})
    for inputs in (x, own):
        for wanted in (None, ["c", "a"]):
            plain = sharing(inputs, wanted)
            connected = sharing.connected(inputs, wanted, [], {})
            assert list(connected) == list(plain)
            for task, features in plain.items():
                assert all(map(torch.equal, features.levels, connected[task].levels))


def test_an_unknown_task_or_input_is_refused_when_connected() -> None:
    sharing = new(mlp())
    with pytest.raises(ConfigError, match="unknown task 'd'"):
        sharing.connected(EXAMPLE, ["d"], [], {})
    with pytest.raises(ConfigError, match="unknown input of task 'b'"):
        sharing.connected(PerTask({"a": EXAMPLE}), ["a", "b"], [], {})


def test_each_task_has_an_encoder_of_its_own() -> None:
    sharing = new(mlp())
    assert sharing.prototype() is sharing.encoder_of("a") is sharing.networks()["a"]
    assert sharing.encoder_of("b") is not sharing.encoder_of("a")
