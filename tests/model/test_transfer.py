"""What a model takes over from trained ones."""

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.model import MultiTaskModel
from plait.regularization import PairwiseL2
from plait.sharing import Hard, Separate
from plait.tasks import BaseTask, Regression

X = torch.zeros(2, 3)


def mlp(width: int = 5) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Tanh())


def made(*names: str, separate: bool = True, seed: int = 0, width: int = 5) -> MultiTaskModel:
    torch.manual_seed(seed)
    sharing = Separate(mlp(width)) if separate else Hard(mlp(width))
    tasks: list[BaseTask] = [Regression(name) for name in names]
    model = MultiTaskModel(sharing, tasks, example=X, seed=seed)
    with torch.no_grad():  # as if trained: no two tensors alike
        for value in model.state_dict().values():
            value.add_(torch.rand(value.shape).to(value.dtype))
    return model


def same(one: nn.Module | None, two: nn.Module | None) -> bool:
    assert one is not None
    assert two is not None
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_encoders_and_heads_go_by_the_names_of_the_tasks() -> None:
    one, two, new = made("a.b", seed=1), made("c", separate=False, seed=2), made("a.b", "c", seed=3)
    done = new.start_from(one, two)
    for task, source in (("a.b", one), ("c", two)):
        assert same(new.sharing.encoder_of(task), source.sharing.encoder_of(task))
        assert same(new.heads[safe_key(task)], source.heads[safe_key(task)])
    assert done.encoders == {"a.b": "a.b", "c": "c"}
    assert done.heads == ["a.b", "c"]
    assert done.left == []


@pytest.mark.parametrize("separate", [True, False])
def test_a_new_task_starts_from_the_source_or_fresh(separate: bool) -> None:
    source = made("a", separate=separate, seed=1)
    new, fresh = made("a", "b"), made("a", "b")
    before = fresh.sharing.encoder_of("b")
    assert before is not None
    kept = {key: value.clone() for key, value in before.state_dict().items()}
    done = new.start_from(source)
    assert same(new.sharing.encoder_of("b"), source.sharing.encoder_of("a"))
    assert done.encoders == {"a": "a", "b": "a"}
    assert done.left == [name for name, _ in new.named_parameters() if "heads.task:b" in name]
    assert str(done) == "encoders: a, b (from a); heads: a; 2 parameters start anew"
    fresh.start_from(source, new_tasks="fresh")
    assert all(torch.equal(value, kept[key]) for key, value in before.state_dict().items())


def test_the_source_is_not_touched_and_shares_nothing() -> None:
    source, new = made("a", seed=1), made("a")
    before = {key: value.clone() for key, value in source.state_dict().items()}
    new.start_from(source)
    with torch.no_grad():
        for parameter in new.parameters():
            parameter.zero_()
    assert all(torch.equal(value, before[key]) for key, value in source.state_dict().items())


def test_what_does_not_fit_is_an_error() -> None:
    text = r"encoder of task 'a' does not fit: 0\.weight is \[4, 3\] .* and \[5, 3\]"
    with pytest.raises(ConfigError, match=text):
        made("a").start_from(made("a", width=4))


def test_nothing_in_common_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"no weight of the model \(a\) .* \(b\)"):
        made("a").start_from(made("b"), new_tasks="fresh")
    with pytest.raises(ConfigError, match="`new_tasks` must be 'source' or 'fresh'; found 'new'"):
        made("a").start_from(made("a"), new_tasks="new")


def test_extend_adds_a_task_to_a_trained_model() -> None:
    old = made("a", separate=False, seed=1)
    new = old.extend(Separate(mlp()), [Regression("b")], freeze=["a"])
    assert list(new.tasks) == ["a", "b"]
    x = torch.randn(4, 3)
    assert torch.equal(old.eval()(x)["a"], new.eval()(x)["a"])
    assert new.learning == ("b",)
    tie = PairwiseL2(strength=0.1)
    assert old.extend(Separate(mlp()), [Regression("b")], regularization=[tie]).regularizers
    assert list(old.extend(Separate(mlp()), Regression("b")).tasks) == ["a", "b"]


# --- freezing ---------------------------------------------------------------------------------


def trained(model: MultiTaskModel) -> dict[str, torch.Tensor]:
    """Takes two steps of SGD on both tasks; returns the state before."""
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.train()
    free = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(free, lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        sum(out.square().mean() for out in model(torch.randn(4, 3)).values()).backward()
        optimizer.step()
    return before


def test_a_frozen_task_keeps_weights_and_statistics() -> None:
    model = made("a", "b")
    model.freeze("a")
    before = trained(model)
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all("task:b" in key for key in changed)
    assert model.learning == ("b",)


def test_a_pattern_freezes_parameters() -> None:
    model = made("a", "b", separate=False)
    model.freeze("sharing.encoder.1.*", "heads.task:a.*")
    before = trained(model)
    state = model.state_dict()
    for key in before:
        frozen = ".encoder.1." in key or "task:a" in key
        unit = key.endswith((".mean", ".scale", ".fitted"))  # constants of the head
        assert torch.equal(state[key], before[key]) == (frozen or unit), key
    assert model.learning == ("a", "b")  # the trunk's first layer still learns from both


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("c", r"'c' is no task and matches no parameter"),
        ("a", r"its encoder is shared with b\. Name the parameters"),
        ("*", "everything is frozen"),
    ],
)
def test_what_cannot_be_frozen_is_refused(what: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        made("a", "b", separate=False).freeze(what)
