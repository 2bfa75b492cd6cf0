"""One encoder for all tasks."""

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError, ShapeError, UnsupportedError
from plait.core.lookup import options_of
from plait.core.structure import PerTask
from plait.networks import encode
from plait.sharing import Hard, Separate
from tests.sharing.encoders import mlp

EXAMPLE = torch.zeros(2, 5)


def counted(encoder: nn.Module, layer: int = 0) -> list[int]:
    """A list that grows with each pass of one of the encoder's linear layers."""
    passes: list[int] = []
    layers = [module for module in encoder.modules() if isinstance(module, nn.Linear)]
    layers[layer].register_forward_hook(lambda *_: passes.append(1))
    return passes


def new(tasks: str = "abc", *, seed: int = 0, encoder: nn.Module | None = None, **options) -> Hard:
    sharing = Hard(encoder or mlp(), **options)
    sharing.setup(list(tasks), EXAMPLE, seed)
    return sharing


def test_the_encoder_is_used_and_not_copied() -> None:
    encoder = mlp()
    sharing = Hard(encoder)
    sharing.setup(["a", "b"], torch.zeros(2, 5))
    assert sharing.encoder is encoder
    assert sharing.prototype() is encoder
    assert len(list(sharing.parameters())) == len(list(encoder.parameters()))


def test_a_factory_makes_the_encoder() -> None:
    assert isinstance(Hard(mlp).encoder, nn.Sequential)


def test_all_tasks_read_the_features_of_one_pass() -> None:
    sharing = Hard(mlp())
    sharing.setup(["a", "b", "c"], torch.zeros(2, 5))
    passes = counted(sharing.encoder)
    inputs = torch.randn(4, 5)
    features = sharing(inputs)
    assert len(passes) == 1
    assert features["a"] is features["b"] is features["c"]
    expected = encode(sharing.encoder, inputs)
    assert all(map(torch.equal, features["a"].levels, expected.levels))
    assert len(expected.levels) == 3


def test_inputs_of_each_task_take_one_pass_each() -> None:
    sharing = Hard(mlp())
    sharing.setup(["a", "b", "c"], torch.zeros(2, 5))
    passes = counted(sharing.encoder)
    sharing(PerTask({task: torch.randn(4, 5) for task in "abc"}), tasks=["a", "c"])
    assert len(passes) == 2


def test_has_no_network_of_one_task() -> None:
    with pytest.raises(UnsupportedError, match="Hard shares parameters already"):
        Hard(mlp()).networks()


def test_an_input_that_does_not_fit_is_found_at_setup() -> None:
    with pytest.raises(ShapeError, match="cannot read inputs of shape"):
        Hard(mlp()).setup(["a"], torch.zeros(2, 4))


# --- groups -----------------------------------------------------------------------------------


def test_each_group_has_a_trunk_and_its_tasks_read_one_pass_of_it() -> None:
    encoder = mlp()
    sharing = new(encoder=encoder, groups=[["c", "a"], ["b"]])
    trunks = [sharing.encoder_of(task) for task in "abc"]
    assert trunks[0] is trunks[2] is sharing.prototype()
    assert trunks[0] is not trunks[1]
    assert encoder not in trunks
    assert sum(p.numel() for p in sharing.parameters()) == 2 * sum(
        p.numel() for p in encoder.parameters()
    )
    passes = [counted(trunk) for trunk in trunks[:2]]
    features = sharing(torch.randn(4, 5))
    assert list(features) == list(sharing.shapes) == ["a", "b", "c"]
    assert features["a"] is features["c"]
    assert [len(each) for each in passes] == [1, 1]
    sharing(torch.randn(4, 5), tasks=["b"])
    assert [len(each) for each in passes] == [1, 2]


def test_the_trunk_of_a_group_learns_from_its_own_tasks_alone() -> None:
    sharing = new(groups=[["a", "c"], ["b"]])
    sharing(torch.randn(4, 5))["c"].levels[-1].square().sum().backward()
    assert all(p.grad is not None for p in sharing.encoder_of("a").parameters())
    assert all(p.grad is None for p in sharing.encoder_of("b").parameters())


def test_one_group_is_hard_sharing_and_groups_of_one_are_separate_networks() -> None:
    inputs = torch.randn(4, 5)
    for copies in ("clone", "reset"):
        encoder = mlp()
        alone = Separate(encoder, copies=copies)
        alone.setup(["a", "b"], EXAMPLE, 3)
        groups = new("ab", seed=3, encoder=encoder, groups=[["b"], ["a"]], copies=copies)
        for task, features in groups(inputs).items():
            assert torch.equal(features.levels[-1], alone(inputs)[task].levels[-1])
        together = new("ab", seed=3, encoder=encoder, groups=[["a", "b"]], copies=copies)
        own = {id(p) for p in together.encoder_of("a").parameters()}
        assert own == {id(p) for p in together.encoder_of("b").parameters()}
        same = torch.equal(together(inputs)["b"].levels[-1], encoder(inputs))
        assert same == (copies == "clone")


def test_plain_hard_sharing_keeps_the_names_of_its_state() -> None:
    names = [f"encoder.{layer}.{what}" for layer in "02" for what in ("weight", "bias")]
    assert list(new().state_dict()) == names
    assert list(new(attach={"a": 0}).state_dict()) == names


def test_groups_take_the_input_of_each_task() -> None:
    sharing = new(groups=[["a", "c"], ["b"]], copies="reset")
    inputs = PerTask({task: torch.randn(3, 5) for task in "abc"})
    for task, features in sharing(inputs).items():
        expected = sharing.encoder_of(task)(inputs[task])
        assert torch.equal(features.levels[-1], expected)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([["a", "b"], ["x"]], "unknown task of `groups` 'x'; known: a, b, c"),
        ([["a", "b"]], r"does not name c\. Add \['c'\]"),
        ([["a", "b"], ["c", "a"]], "`groups` names 'a' twice"),
        ([["a", "b", "c"], []], "must name a task; found an empty one"),
        ([], "does not name a, b, c"),
    ],
)
def test_groups_have_to_hold_each_task_once(groups: list[list[str]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        new(groups=groups)


def test_groups_are_set_up_for_one_model() -> None:
    sharing = new(groups=[["a", "b", "c"]])
    with pytest.raises(ConfigError, match="Make a new Hard"):
        sharing.setup(["a", "b", "c"], EXAMPLE)


def test_options_are_plain_values_and_not_those_of_the_caller() -> None:
    groups, attach = [["a"], ["b", "c"]], {"b": 1}
    sharing = new(groups=groups, attach=attach)
    assert options_of(sharing, ["encoder"]) == {
        "groups": [["a"], ["b", "c"]],
        "attach": {"b": 1},
        "copies": "clone",
    }
    assert sharing.groups is not groups
    assert sharing.attach is not attach


# --- heads at lower stages --------------------------------------------------------------------


def test_a_task_reads_the_stages_up_to_its_own() -> None:
    sharing = new(attach={"b": 0, "c": 1})
    inputs = torch.randn(4, 5)
    expected, features = encode(sharing.encoder, inputs), sharing(inputs)
    for task, stages in {"a": 3, "b": 1, "c": 2}.items():
        assert len(features[task].levels) == len(sharing.shapes[task].levels) == stages
        assert all(map(torch.equal, features[task].levels, expected.levels))
        assert sharing.shapes[task].levels[-1] == tuple(features[task].levels[-1].shape[1:])
    assert features["b"].levels[0] is features["a"].levels[0]


def test_stages_that_the_wanted_tasks_do_not_read_are_not_run() -> None:
    sharing = new(attach={"b": 0, "c": 1})
    first, last = counted(sharing.encoder, 0), counted(sharing.encoder, 1)
    sharing(torch.randn(4, 5), tasks=["b", "c"])
    assert (len(first), len(last)) == (1, 0)
    sharing(PerTask({task: torch.randn(2, 5) for task in "abc"}))
    assert (len(first), len(last)) == (4, 1)


def test_a_task_teaches_the_stages_that_it_reads() -> None:
    sharing = new(attach={"b": 0})
    sharing(torch.randn(4, 5))["b"].levels[-1].square().sum().backward()
    assert [p.grad is not None for p in sharing.parameters()] == [True, True, False, False]


def test_groups_and_stages_go_together() -> None:
    sharing = new(groups=[["a", "b"], ["c"]], attach={"b": 0}, copies="reset")
    inputs = torch.randn(4, 5)
    features = sharing(inputs)
    assert torch.equal(features["b"].levels[-1], sharing.encoder_of("a")[0](inputs))
    assert torch.equal(features["c"].levels[-1], sharing.encoder_of("c")(inputs))


@pytest.mark.parametrize("stage", [3, -1, 1.5, "0"])
def test_a_stage_has_to_exist(stage: object) -> None:
    with pytest.raises(
        ConfigError, match=r"`attach` .*must (name a stage in 0\.\.2|be a dict of int)"
    ):
        new(attach={"b": stage})


def test_an_unknown_task_cannot_be_attached() -> None:
    with pytest.raises(ConfigError, match="unknown task of `attach` 'bb'"):
        new(attach={"bb": 0})


def test_every_stage_that_learns_is_read() -> None:
    with pytest.raises(ConfigError, match="no task reads those after stage 1"):
        new(attach={"a": 0, "b": 1, "c": 1})
    with pytest.raises(ConfigError, match="no task reads those after stage 0"):
        new(groups=[["a", "b"], ["c"]], attach={"c": 0})
    nothing_left = new("ab", encoder=mlp()[:2], attach={"a": 0, "b": 0})  # a ReLU is not read
    assert len(nothing_left(torch.randn(2, 5))["a"].levels) == 1


def test_how_to_copy_needs_groups() -> None:
    with pytest.raises(ConfigError, match="`copies` has no effect without `groups`; leave it out"):
        Hard(nn.Linear(2, 2), copies="reset")


def test_tasks_of_one_trunk_and_depth_read_the_same_features() -> None:
    sharing = new("abcd", groups=[["a", "b", "d"], ["c"]], attach={"d": 0})
    assert sharing.same_features("ab")
    assert sharing.same_features("d")
    assert not sharing.same_features("ac")
    assert not sharing.same_features("ad")
    features = sharing(torch.zeros(2, 5))
    assert features["a"] is features["b"]

    class Other(Hard):
        """May run in another way."""

    other = Other(nn.Linear(3, 2))
    other.setup("ab", torch.zeros(2, 3))
    assert not other.same_features("ab")
