"""Constructors that say which arguments they take."""

import copy
import inspect
import pickle
from typing import Any, Literal

import pytest
import torch
from torch import nn

from plait.balancing import CAGrad, TransformedLosses, UPGrad
from plait.core.arguments import as_list, checked, named
from plait.core.errors import ConfigError
from plait.encoders import ConvEncoder
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.sharing.conditioning import LoRA
from plait.tasks import Classification
from plait.training import Trainer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CAGrad(gamma=1), "balancer CAGrad has no option 'gamma'; it takes: c, rescale."),
        (
            lambda: CAGrad(recale=1),
            "balancer CAGrad has no option 'recale'; it takes: c, rescale. Did you mean 'rescale'?",
        ),
        (lambda: Trainer(None, epoch=3), "Trainer has no option 'epoch'. Did you mean 'epochs'?"),
        (
            lambda: Classification("a"),
            "task Classification needs `classes`. Write `Classification(classes=...)`.",
        ),
        (
            lambda: Classification("a", 3),
            "task Classification takes name without a name; found 2 arguments. Name the others: "
            "`Classification(classes=...)`.",
        ),
        (lambda: CAGrad(c="x"), "`c` of CAGrad must be a number; found 'x'."),
        (lambda: LoRA(rank=2.5), "`rank` of LoRA must be an integer; found 2.5."),
        (
            lambda: TransformedLosses(UPGrad),
            "`method` of TransformedLosses must be a balancer, such as `UPGrad()` or None; found "
            "the class UPGrad.",
        ),
        (lambda: Hard(3), "`encoder` of Hard must be a torch module or a function; found 3."),
    ],
)
def test_the_message_says_what_to_write(make: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value) == message


class Own(CAGrad):
    """A method of the user's, with an annotation that is meant loosely."""

    def __init__(self, strength: int = 1) -> None:
        super().__init__(c=0.5)
        self.strength = strength


def test_annotations_of_others_are_not_read_but_names_are() -> None:
    assert Own("loose").strength == "loose"  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="Own has no option 'c'; it takes: strength"):
        Own(c=0.5)  # type: ignore[call-arg]


def test_a_subclass_without_a_constructor_has_that_of_its_base() -> None:
    class Same(CAGrad):
        pass

    assert Same(c=0.3).c == 0.3
    with pytest.raises(ConfigError, match="`c` of Same must be a number"):
        Same(c="x")  # type: ignore[arg-type]


def test_an_error_inside_of_a_constructor_passes_as_it_is() -> None:
    class Broken(CAGrad):
        def __init__(self) -> None:
            len(3)  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="has no len"):
        Broken()


def test_signature_copies_and_pickles_are_as_ever() -> None:
    assert list(inspect.signature(CAGrad).parameters) == ["c", "rescale"]
    assert copy.deepcopy(CAGrad(c=0.3)).c == 0.3
    assert pickle.loads(pickle.dumps(CAGrad(c=0.3))).c == 0.3


def test_names_alone() -> None:
    class Made:
        @named
        def __init__(self, size: int = 1) -> None:
            self.size = size

    assert Made("any").size == "any"  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"Made has no option 'sise'.*Did you mean 'size'\?"):
        Made(sise=3)  # type: ignore[call-arg]


def test_a_choice_is_refused_once_the_class_has_said_nothing_of_it() -> None:
    def construct(self: Any, form: Literal["sum", "mean"] = "sum") -> None: ...

    construct.__module__ = "plait.test"
    made = type("Made", (), {"__init__": checked(construct)})
    made(form="mean")
    with pytest.raises(ConfigError) as caught:
        made(form="maen")
    assert str(caught.value) == (
        "`form` of Made must be 'sum' or 'mean'; found 'maen'. Did you mean 'mean'?"
    )


def test_a_value_of_a_type_that_is_imported_for_checkers_only_is_taken() -> None:
    def construct(self: Any, size: "Nowhere") -> None:  # type: ignore # noqa: F821
        self.size = size

    construct.__module__ = "plait.test"
    assert type("Made", (), {"__init__": checked(construct)})(3).size == 3


def test_one_is_a_list_of_one() -> None:
    task = Classification("a", classes=2)
    assert as_list(task) == [task]
    assert as_list({"a": task}.values()) == [task]
    assert as_list(()) == []


def test_a_model_is_called_a_model_and_an_encoder_an_encoder() -> None:
    tasks = [Classification("a", classes=2)]
    with pytest.raises(ConfigError, match=r"^MultiTaskModel needs `example`"):
        MultiTaskModel(Hard(ConvEncoder()), tasks)  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match=r"^encoder ConvEncoder has no option 'size'"):
        ConvEncoder(size=3)  # type: ignore[call-arg]


def test_what_is_no_callback_is_refused_inside_a_list() -> None:
    model = MultiTaskModel(
        Hard(nn.Linear(2, 2)), Classification("a", classes=2), example=torch.zeros(1, 2)
    )
    with pytest.raises(ConfigError, match="`callbacks` of Trainer must be a list of Callbacks"):
        Trainer(model, callbacks=["bar"])  # type: ignore[list-item]
