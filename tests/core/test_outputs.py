import pytest
import torch

from plait.core import Features, Losses, Outputs, Penalties, TaskFeatures, Term, Watched
from plait.core.errors import ConfigError
from plait.core.names import Names


def test_outputs_are_the_predictions_with_what_penalties_read() -> None:
    features = {"y": Features((torch.zeros(1, 2),))}
    terms = {"entropy": torch.tensor(0.5)}
    out = Outputs({"y": torch.ones(1)}, features=features, terms=terms)
    assert list(out) == ["y"]
    assert isinstance(out, dict)
    assert out.features == features
    assert out.terms == terms
    terms.clear()
    assert list(out.terms) == ["entropy"]
    assert Outputs({}).features == Outputs({}).terms == {}
    assert out.common
    assert out.views == []
    assert Outputs({}, views=(out,), common=False).views == [out]


def test_losses_are_the_weighted_ones_with_the_raw_ones_beside() -> None:
    losses = Losses({"y": torch.tensor(6.0)}, raw={"y": torch.tensor(3.0)}, counts={"y": 2.0})
    assert (losses["y"].item(), losses.raw["y"].item(), losses.counts["y"]) == (6.0, 3.0, 2.0)


def test_losses_by_label_are_those_times_their_shares_of_the_labels() -> None:
    weighted, raw = {"a": torch.tensor(6.0), "b": torch.tensor(8.0)}, {"a": torch.tensor(3.0)}
    losses = Losses(weighted, raw=raw, counts={"a": 3.0, "b": 1.0})
    found = losses.by_label()
    assert {task: loss.item() for task, loss in found.items()} == {"a": 4.5, "b": 2.0}
    assert (found.raw, found.counts) == (losses.raw, losses.counts)
    whole = losses.by_label({"a": 4.0, "b": 4.0, "c": 8.0})
    assert {task: loss.item() for task, loss in whole.items()} == {"a": 1.5, "b": 2.0}
    assert Losses({}, raw={}, counts={}).by_label() == {}


def test_losses_by_label_need_the_labels_of_each_task() -> None:
    losses = Losses({"a": torch.ones(()), "b": torch.ones(())}, raw={}, counts={"a": 3.0, "b": 1.0})
    with pytest.raises(ConfigError, match=r"`counts` must have the labels .*; found none of 'b'"):
        losses.by_label({"a": 3.0})


def test_penalties_without_strengths_are_their_own_terms() -> None:
    term = torch.tensor(2.0)
    assert Penalties() == {}
    assert Penalties().raw == {}
    assert Penalties({"R": term}).raw == {"R": term}
    assert Penalties({"R": term * 0.1}, raw={"R": term}).raw == {"R": term}


def test_terms_add_up_and_are_shared_out() -> None:
    one, two = (Term(torch.tensor(x), torch.tensor(10 * x)) for x in (1.0, 2.0))
    assert one.plus(two) == (3.0, 30.0)
    assert one.times(0.5) == (0.5, 5.0)
    assert one.times(1.0) is one


def test_features_of_several_passes_are_joined() -> None:
    term = Term(torch.tensor(1.0), torch.tensor(2.0))
    passes = [
        TaskFeatures(
            {task: Features((torch.zeros(1, 2),))},
            terms={"x": term, f"x of {task}": term},
            watched={"use": Watched({task: torch.tensor(3.0)})},
        )
        for task in "ab"
    ]
    joined = TaskFeatures.joined(passes)
    assert list(joined) == ["a", "b"]
    assert joined.terms == {"x": (2.0, 4.0), "x of a": (1.0, 2.0), "x of b": (1.0, 2.0)}
    assert joined.watched["use"].plain() == {"a": 3.0, "b": 3.0}
    assert TaskFeatures.joined([]) == {}
    assert TaskFeatures.joined(passes[:1]) is passes[0]


def test_losses_of_one_vector_are_cut_from_it() -> None:
    weighted, raw = torch.tensor([6.0, 8.0]), torch.tensor([3.0, 4.0])
    losses = Losses.joined(Names("ab"), weighted, raw, {"a": 3.0, "b": 1.0})
    assert losses.stacked is weighted
    assert losses.stacked_raw is raw
    assert losses == {"a": weighted[0], "b": weighted[1]}
    assert losses.raw == {"a": raw[0], "b": raw[1]}
    assert losses.counts == {"a": 3.0, "b": 1.0}
    scaled = losses.times({"b": 0.5})
    assert scaled.stacked is not None
    assert scaled.stacked.tolist() == [6, 4]
    assert scaled.stacked_raw is raw
    assert losses.times({"a": 1.0}) is losses
    by_label = losses.by_label().stacked
    assert by_label is not None and by_label.tolist() == [4.5, 2.0]


def test_losses_that_were_changed_are_no_vector() -> None:
    losses = Losses.joined(
        Names("ab"), torch.tensor([6.0, 8.0]), torch.tensor([3.0, 4.0]), {"a": 3.0, "b": 1.0}
    )
    losses["a"] = losses["a"] * 2
    assert losses.stacked is None
    assert {task: loss.item() for task, loss in losses.items()} == {"a": 12, "b": 8}
    times = losses.times({"b": 2.0})
    assert times.stacked is None and times["b"].item() == 16
    losses.raw["a"] = torch.tensor(1.0)
    assert losses.stacked_raw is None
    alone = Losses({"a": torch.tensor(1.0)}, raw={"a": torch.tensor(1.0)}, counts={"a": 1.0})
    assert alone.stacked is None and alone.stacked_raw is None
