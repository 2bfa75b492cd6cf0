import pytest
from torch import nn

from plait.core.errors import ConfigError, ShapeError
from plait.networks.matching import match_parameters


def net(width: int = 4) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, 2))


def match(*nets: nn.Module, heads: dict[str, nn.Module] | None = None, **options: object) -> dict:
    networks = dict(zip("abc", nets, strict=False))
    full = {"scope": "*", "include_bias": True, "method": "Hint", **options}
    return match_parameters(networks, heads, **full)


def test_parameters_of_one_name_belong_together_but_for_batch_normalisation() -> None:
    nets = [net(), net(), net()]
    matched = match(*nets)
    assert list(matched) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    for name, group in matched.items():
        assert [id(p) for p in group] == [id(n.get_parameter(name)) for n in nets]
    assert list(match(*nets, include_bias=False)) == ["0.weight", "2.weight"]
    assert list(match(*nets, scope="2.*")) == ["2.weight", "2.bias"]


def test_heads_are_matched_where_they_are_given() -> None:
    heads = {"a": nn.Linear(2, 1), "b": nn.Linear(2, 1)}
    matched = match(net(), net(), heads=heads, scope="head.*")
    assert list(matched) == ["head.weight", "head.bias"]
    assert matched["head.weight"][1] is heads["b"].weight


def test_heads_of_a_network_that_tasks_share_keep_their_names() -> None:
    heads = {"a.b": nn.Linear(2, 1), "c": nn.Linear(2, 3)}
    named = {"scope": "*", "include_bias": False, "method": "Successive"}
    matched = match_parameters({"all": net()}, heads, **named)
    assert list(matched) == ["0.weight", "2.weight", "head.a.b.weight", "head.c.weight"]
    assert matched["head.c.weight"] == [heads["c"].weight]


def test_what_cannot_be_matched_is_named() -> None:
    with pytest.raises(ConfigError, match=r"`scope` '9\.\*' of Hint matches no parameter"):
        match(net(), net(), scope="9.*")
    with pytest.raises(ShapeError, match=r"'0\.weight' has to have one shape.*Narrow `scope`"):
        match(net(), net(5))
    with pytest.raises(ShapeError, match="'b': 'absent'"):
        match(net(), net()[:2], scope="2.*")
