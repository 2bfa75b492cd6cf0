"""The preference of the methods that take one."""

import pytest
import torch

from plait.balancing import DualProj, Info, NashMTL, UPGrad
from plait.balancing.preference import PreferenceBalancer
from plait.core.errors import ConfigError, ShapeError

every_method = pytest.mark.parametrize("method", [UPGrad, DualProj, NashMTL])
Method = type[PreferenceBalancer]


@every_method
def test_follows_the_names_of_the_tasks(method: Method) -> None:
    balancer = method(preference=[1.0, 4.0, 9.0])
    balancer.setup(("a", "b", "c"))
    found = balancer.weights(torch.eye(2), Info(("c", "a")))
    by_rows = method(preference=[9.0, 1.0]).weights(torch.eye(2))
    torch.testing.assert_close(found, by_rows)
    assert found[0] > found[1]


@every_method
def test_is_that_of_the_rows_without_names(method: Method) -> None:
    whole = method(preference=[1.0, 4.0]).weights(torch.eye(2))
    assert whole[0] < whole[1]
    zero = torch.diag(torch.tensor([0.0, 1.0]))
    assert method(preference=[1.0, 4.0]).weights(zero).tolist() == [0.0, whole[1]]
    with pytest.raises(ShapeError, match="for each of the 3 tasks; found 2"):
        method(preference=[1.0, 2.0]).weights(torch.eye(3))
    with pytest.raises(ShapeError, match="for each of the 1 tasks; found 2"):
        method(preference=[1.0, 2.0]).weights(torch.eye(1), Info(("b",)))


@every_method
def test_of_another_length_is_refused_at_setup(method: Method) -> None:
    balancer = method(preference=[1.0, 2.0])
    with pytest.raises(ShapeError, match="for each of the 3 tasks; found 2"):
        balancer.setup(["a", "b", "c"])
    assert balancer.tasks == ()


@every_method
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(method: Method, value: float) -> None:
    with pytest.raises(ConfigError, match="`preference` must not be negative or infinite"):
        method(preference=[1.0, value])


@every_method
def test_the_default_is_equal_weighting_on_the_scale_of_the_paper(method: Method) -> None:
    share = 1 / 4 if method.equal_weight == "mean" else 1.0
    equal = method(preference=[share] * 4).weights(torch.eye(4))
    torch.testing.assert_close(method().weights(torch.eye(4)), equal)
    torch.testing.assert_close(equal, torch.full((4,), share, dtype=torch.float64))
