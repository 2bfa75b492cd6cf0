"""Options become arguments, and options that name a class become objects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pytest
from torch import nn
from torchmetrics.classification import BinaryCalibrationError

from plait.balancing import CRMOGM, CAGrad, GramianBalancer, TransformedLosses
from plait.core.annotations import hint_of
from plait.core.build import build, check
from plait.core.errors import ConfigError
from plait.encoders import ConvEncoder, MLPEncoder
from plait.tasks import Binary

if TYPE_CHECKING:
    from decimal import Decimal


class Method(ABC):
    """A kind of method."""

    @abstractmethod
    def run(self) -> None: ...


class Plain(Method):
    def run(self) -> None: ...


class WithOptions(Plain):
    def __init__(self, size: int, *, rate: float = 0.5, **others: Any) -> None:
        if not rate > 0:
            raise ValueError("rate must be positive")
        self.size = size
        self.rate = rate


class Broken(Plain):
    def __init__(self) -> None:
        raise ValueError("a defect")


class Outer:
    """Every shape in which an option can hold another method."""

    def __init__(
        self,
        *,
        inner: Method | None = None,
        several: Sequence[GramianBalancer] = (),
        by_task: Mapping[str, nn.Module] | Literal["none"] = "none",
        word: str | Method = "plain",
        mode: Literal["a", "Plain"] | Method = "a",
        factory: nn.Module | Callable[[], nn.Module] | None = None,
        anything: Any = None,
        numbers: float | Mapping[str, float] = 1.0,
        exact: Decimal | None = None,
        count: int = 1,
    ) -> None:
        self.options = {name: each for name, each in locals().items() if name != "self"}


HERE = "tests.core.test_build"


def outer(name: str, value: Any, **more: Any) -> Any:
    return build(Outer, {name: value}, kind="test", **more).options[name]


# --- options -----------------------------------------------------------------------------------


def test_options_and_given_arguments_reach_the_constructor() -> None:
    made = build(WithOptions, {"rate": 0.1}, kind="method", size=3)
    assert (type(made), made.size, made.rate) == (WithOptions, 3, 0.1)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (
            WithOptions,
            {"rat": 1},
            r"has no option 'rat'; it takes: size, rate. Did you mean 'rate'",
        ),
        (WithOptions, {"others": 1}, "has no option 'others'"),
        (WithOptions, {"rate": 1}, "method WithOptions needs the option 'size'"),
        (Plain, {"rate": 1}, "method Plain has no option 'rate'; it takes none"),
    ],
)
def test_wrong_and_missing_options_are_refused(cls, options, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(cls, options, kind="method")


def test_what_is_given_is_not_the_users_to_set() -> None:
    with pytest.raises(ConfigError, match="has no option 'size'; it takes: rate"):
        build(WithOptions, {"size": 4}, kind="method", size=3)


def test_what_a_constructor_says_of_its_options_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match=r"method WithOptions cannot be made with .*positive"):
        build(WithOptions, {"size": 1, "rate": -1}, kind="method")


def test_a_class_without_options_has_a_defect() -> None:
    with pytest.raises(ValueError, match="a defect"):
        build(Broken, {}, kind="method")


# --- options that are objects -------------------------------------------------------------------


def test_a_wrapped_method_is_built_with_its_options() -> None:
    made = build(CRMOGM, {"method": {"class": "CAGrad", "c": 0.3}}, kind="balancer")
    assert type(made.method) is CAGrad
    assert made.method.c == 0.3


def test_a_name_alone_is_enough() -> None:
    assert type(build(CRMOGM, {"method": "CAGrad"}, kind="balancer").method) is CAGrad


def test_objects_nest_to_any_depth() -> None:
    inner = {"class": "TransformedLosses", "method": {"class": "CAGrad", "c": 0.2}}
    made = build(CRMOGM, {"method": inner}, kind="balancer")
    assert type(made.method) is TransformedLosses
    assert made.method.method.c == 0.2


def test_objects_in_lists_and_mappings_are_built() -> None:
    several = outer("several", ["CAGrad", {"class": "CAGrad", "c": 0.1}])
    assert [each.c for each in several] == [CAGrad().c, 0.1]
    own = outer("by_task", {"a": {"class": "MLPEncoder", "in_features": 3}, "b": "ConvEncoder"})
    assert {task: type(each) for task, each in own.items()} == {"a": MLPEncoder, "b": ConvEncoder}


def test_a_class_of_the_users_own_is_named_by_its_path() -> None:
    made = outer("inner", {"class": f"{HERE}:WithOptions", "size": 3})
    assert type(made).__name__ == "WithOptions"
    assert made.size == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("word", "Plain"),
        ("mode", "Plain"),
        ("by_task", "none"),
        ("anything", {"class": "CAGrad"}),
        ("anything", "CAGrad"),
        ("numbers", {"class": 3.0}),
        ("exact", 3),
        ("several", []),
        ("inner", None),
    ],
)
def test_what_the_annotation_takes_as_it_is_stays(name: str, value: Any) -> None:
    assert outer(name, value) == value


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("several", ["CAGrat"], "unknown balancer 'CAGrat'; .*Did you mean 'CAGrad'"),
        ("several", ["DWA"], "option 'several': unknown balancer 'DWA'; known: AlignedMTL, "),
        (
            "several",
            [{"class": "CAGrad", "d": 1}],
            "CAGrad has no option 'd'; it takes: c",
        ),
        ("several", [{"class": "CAGrad", "c": -1}], "`c` must"),
        ("several", [{"c": 0.1}], r"'several' has options \(c\), but names no class; .*Name one"),
        ("inner", {"size": 3}, "has options .size., but names no class"),
        ("several", [{"class": 3}], "must name a class; found 3"),
        ("inner", "Plain", "Method 'Plain' is unknown; name it by its path"),
        ("inner", f"{HERE}:Outer", "'tests.core.test_build:Outer' is no Method"),
        ("count", {"class": "CAGrad"}, "option 'count' takes no class; found 'CAGrad'"),
        ("exact", {"class": "CAGrad"}, "annotation cannot be read: name 'Decimal'"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        outer(name, value)


@pytest.mark.parametrize("path", ["", "torchmetrics.classification:"])
def test_a_metric_goes_by_its_name_or_path(path: str) -> None:
    options = {"metrics": {"ece": {"class": f"{path}BinaryCalibrationError", "n_bins": 10}}}
    task = build(Binary, options, kind="task", name="t")
    assert isinstance(task.metrics["ece"], BinaryCalibrationError)
    assert task.metrics["ece"].n_bins == 10


def test_of_many_names_the_nearest_are_told() -> None:
    words = "unknown metric 'BinaryAUC'; known: 1.. names, such as BinaryAUROC, .* Did you mean"
    with pytest.raises(ConfigError, match=words):
        build(Binary, {"metrics": {"auc": "BinaryAUC"}}, kind="task", name="t")


def test_a_strangers_file_cannot_name_a_path_inside_an_option() -> None:
    with pytest.raises(ConfigError, match="unknown balancer 'os:system'"):
        outer("several", ["os:system"], foreign=False)
    with pytest.raises(ConfigError, match="is unknown"):
        outer("inner", {"class": f"{HERE}:Plain"}, foreign=False)


# --- annotations --------------------------------------------------------------------------------


def test_annotations_in_quotes_are_resolved() -> None:
    assert hint_of(Outer.__init__, "inner") == Method | None
    assert hint_of(WithOptions.__init__, "unknown") is Any
    with pytest.raises(NameError):
        hint_of(Outer.__init__, "exact")


# --- names alone --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (WithOptions, {"rat": 1, "size": 1}, "method WithOptions has no option 'rat'"),
        (WithOptions, {"rate": 1}, "method WithOptions needs the option 'size'"),
        (Outer, {"inner": "nowhere:Plain"}, "cannot import Method 'nowhere:Plain'"),
        (Outer, {"inner": {"class": f"{HERE}:Plain", "x": 1}}, "Method Plain has no option 'x'"),
        (Outer, {"several": ["CAGrad", {"class": "CAGrad", "b": 1}]}, "CAGrad has no option 'b'"),
        (Outer, {"by_task": {"a": "MLPEncoder"}}, "MLPEncoder needs the option 'in_features'"),
        (Outer, {"count": {"class": "CAGrad"}}, "takes no class"),
    ],
)
def test_names_are_checked_at_every_depth_in_the_words_of_build(
    cls: type[Any], options: dict[str, Any], message: str
) -> None:
    told = []
    for refuse in (check, build):
        with pytest.raises(ConfigError, match=message) as refused:
            refuse(cls, options, kind="method")
        told.append(str(refused.value))
    assert told[0] == told[1]


def test_a_check_builds_nothing_and_judges_no_value() -> None:
    check(Broken, {}, kind="method")
    check(WithOptions, {"size": 1, "rate": -1}, kind="method")
    check(Outer, {"inner": f"{HERE}:Broken"}, kind="test")


def test_a_check_may_pass_what_is_given_or_is_still_to_come() -> None:
    check(WithOptions, {"rate": 1}, kind="method", given=["size"])
    check(WithOptions, {"rate": 1}, kind="method", whole=False)
    with pytest.raises(ConfigError, match="has no option 'size'; it takes: rate"):
        check(WithOptions, {"size": 1}, kind="method", given=["size"])
    with pytest.raises(ConfigError, match="has no option 'rat'"):
        check(WithOptions, {"rat": 1}, kind="method", whole=False)
