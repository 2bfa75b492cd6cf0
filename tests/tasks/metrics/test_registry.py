"""Each metric of torchmetrics for tasks goes by its own name, beside plait's."""

import pytest
from torchmetrics import Metric, classification, regression

from plait.core.families import METRICS, family_of
from plait.tasks import metrics


@pytest.mark.parametrize("name", metrics.__all__)
def test_a_name_is_a_metric(name: str) -> None:
    assert issubclass(getattr(metrics, name), Metric)
    assert family_of(getattr(metrics, name)) is METRICS


def test_all_of_both_libraries_and_our_own_are_there() -> None:
    own = {"ConcordanceIndex", "EntityF1", "MeanDistance"}
    assert {*metrics.__all__} == {*classification.__all__, *regression.__all__, *own}
    assert len(metrics.__all__) == len({*metrics.__all__})


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Accurate'"):
        metrics.Accurate  # noqa: B018
