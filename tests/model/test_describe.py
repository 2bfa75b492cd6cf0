"""Descriptions in JSON."""

import json
from typing import Any

import pytest
from torch import nn
from torchmetrics.classification import MulticlassAccuracy

from plait.balancing import CRMOGM, CAGrad, TransformedLosses, UPGrad
from plait.core.errors import CheckpointError, ConfigError
from plait.encoders import ConvEncoder
from plait.model.describe import describe, rebuild
from plait.regularization import PairwiseL2
from plait.sharing import Separate
from plait.tasks import Classification, Regression


class Top(MulticlassAccuracy):
    """A metric of one's own."""


@pytest.mark.parametrize(
    ("instance", "family"),
    [
        (ConvEncoder(widths=(4, 8), norm=True), "encoders"),
        (Classification("a.b", classes=3, class_weights=[1.0, 2.0, 0.5]), "tasks"),
        (Regression("box", outputs=2, vector=True, mean=(1.0, 2.0), weight=0.25), "tasks"),
        (
            PairwiseL2(strength=0.5, mode="prox", scope="stages.*", include_bias=False),
            "regularization",
        ),
        (Classification("a", classes=3, metrics={"top": MulticlassAccuracy(3)}), "tasks"),
        (CRMOGM(CAGrad(c=0.3)), "balancing"),
        (CRMOGM(TransformedLosses(UPGrad(), transform="log")), "balancing"),
    ],
)
def test_what_is_described_can_be_rebuilt(instance: Any, family: str) -> None:
    described = describe(instance)
    assert described == json.loads(json.dumps(described))
    again = rebuild(described, family)
    assert type(again) is type(instance)
    assert describe(again) == described


def test_what_is_given_elsewhere_is_left_out() -> None:
    sharing = Separate(nn.Linear(2, 2), copies="reset")
    assert describe(sharing, leave_out=("encoder",)) == {"class": "Separate", "copies": "reset"}


@pytest.mark.parametrize(
    "instance",
    [
        nn.Linear(2, 2),
        CRMOGM(type("CAGrad", (CAGrad,), {})()),
        Classification("a", classes=3, metrics={"top": Top(3)}),
        type("Classification", (Classification,), {})("a", classes=3),
    ],
)
def test_what_only_its_owner_can_rebuild_has_no_description(instance: Any) -> None:
    assert describe(instance) is None


def test_advice_for_what_cannot_be_rebuilt() -> None:
    for family, advice in {
        "encoders": r"encoder=\.\.\.",
        "tasks": r"tasks=\[\.\.\.\]",
        "regularization": "load model.safetensors into it",
    }.items():
        with pytest.raises(CheckpointError, match=advice):
            rebuild(None, family)


@pytest.mark.parametrize("name", ["Task", "os:system", "ConvEncoder", "classification"])
def test_only_names_of_plaits_own_classes_of_the_kind_are_built(name: str) -> None:
    with pytest.raises(ConfigError):
        rebuild({"class": name, "name": "a"}, "tasks")


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ConfigError, match="task Regression has no option 'output'"):
        rebuild({"class": "Regression", "name": "a", "output": 2}, "tasks")


def test_nested_objects_keep_their_options() -> None:
    described = describe(CRMOGM(CAGrad(c=0.3), alpha=0.5))
    assert described is not None
    assert described["method"] == describe(CAGrad(c=0.3))
    again = rebuild(described, "balancing")
    assert type(again.method) is CAGrad
    assert again.method.c == 0.3


def test_a_nested_description_cannot_name_a_path() -> None:
    with pytest.raises(ConfigError, match="unknown balancer 'os:system'"):
        rebuild({"class": "CRMOGM", "method": {"class": "os:system"}}, "balancing")
