import torch

from plait.core import Features, Losses, Outputs, Penalties


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


def test_penalties_without_strengths_are_their_own_terms() -> None:
    term = torch.tensor(2.0)
    assert Penalties() == {}
    assert Penalties().raw == {}
    assert Penalties({"R": term}).raw == {"R": term}
    assert Penalties({"R": term * 0.1}, raw={"R": term}).raw == {"R": term}
