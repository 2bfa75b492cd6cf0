"""Every kind of task, random labels for it, and its loss as a slow loop over single labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from plait.core.features import FeatureShape
from plait.tasks import (
    BaseTask,
    Binary,
    Classification,
    DenseRegression,
    MultiLabel,
    Regression,
    Segmentation,
    Tagging,
    Task,
)

CLASSES, OUTPUTS = 3, 2
CLASS_KINDS = ("classification", "segmentation", "tagging")
NUMBER_KINDS = ("regression", "vector", "dense_regression")
YES_NO_KINDS = ("multi_label", "binary")
KINDS = (*CLASS_KINDS, *NUMBER_KINDS, *YES_NO_KINDS, "custom")
ERRORS = ("squared", "absolute", "huber")
SHAPES: dict[str, tuple[int, ...]] = {  # of the labels of one example
    "classification": (),
    "segmentation": (2, 3),
    "tagging": (4,),
    "regression": (OUTPUTS,),
    "vector": (OUTPUTS,),
    "dense_regression": (OUTPUTS, 2, 3),
    "multi_label": (OUTPUTS,),
    "binary": (1,),
    "custom": (OUTPUTS,),
}


def no_head(shape: FeatureShape) -> nn.Module:
    raise AssertionError("no head is needed here")


def squared(prediction: Tensor, target: Tensor) -> Tensor:
    return (prediction - target) ** 2


class Single(NamedTuple):
    """One label that counts."""

    at: tuple[int, ...]
    mass: float
    loss: Tensor
    prediction: Tensor
    label: Tensor


@dataclass(frozen=True)
class Kind:
    """One task, with what the slow loop needs to know of it."""

    name: str
    error: str = "squared"
    scale: float = 1.0
    class_weights: Sequence[float] | None = None
    ignore_index: int = -100

    def task(self) -> BaseTask:
        numbers = {"error": self.error, "scale": self.scale, "outputs": OUTPUTS}
        classes = {
            "classes": CLASSES,
            "class_weights": self.class_weights,
            "ignore_index": self.ignore_index,
        }
        match self.name:
            case "classification":
                return Classification("y", **classes)
            case "segmentation":
                return Segmentation("y", **classes)
            case "tagging":
                return Tagging("y", **classes)
            case "regression":
                return Regression("y", **numbers)
            case "vector":
                return Regression("y", vector=True, **numbers)
            case "dense_regression":
                return DenseRegression("y", **numbers)
            case "multi_label":
                pairs = None if self.class_weights is None else [self.no_and_yes(k) for k in (0, 1)]
                return MultiLabel("y", labels=OUTPUTS, class_weights=pairs)
            case "binary":
                pair = None if self.class_weights is None else self.no_and_yes(0)
                return Binary("y", class_weights=pair)
        return Task("y", head=no_head, loss=squared)

    def no_and_yes(self, label: int) -> Sequence[float]:
        """The weights of no and of yes of a label, another pair for each."""
        assert self.class_weights is not None
        return self.class_weights[label : label + 2]

    def draw(self, batch: int, missing: float, seed: int) -> tuple[Tensor, Tensor]:
        """Random predictions (float64) and labels, a share of which is missing."""
        generator = torch.Generator().manual_seed(seed)
        shape = (batch, *SHAPES[self.name])
        lost = torch.rand(shape, generator=generator) < missing
        if self.name in CLASS_KINDS:
            target = torch.randint(CLASSES, shape, generator=generator)
            target[lost] = self.ignore_index
            shape = (*shape, CLASSES)
        else:
            target = torch.randn(shape, generator=generator, dtype=torch.float64)
            if self.name in YES_NO_KINDS:
                target = (target > 0).double()
            target[lost] = math.nan
        prediction = 2 * torch.randn(shape, generator=generator, dtype=torch.float64)
        if self.name == "segmentation":
            prediction = prediction.movedim(-1, 1).contiguous()
        return prediction, target

    def mass_shape(self, batch: int) -> tuple[int, ...]:
        """One entry for each label; a vector of numbers is one label."""
        return (batch,) if self.name == "vector" else (batch, *SHAPES[self.name])

    def labels(self, prediction: Tensor, target: Tensor, weights: Tensor | None) -> list[Single]:
        """The labels that count, one by one."""
        found = []
        for index in np.ndindex(*self.mass_shape(len(target))):
            label = target[index]
            if self.name in CLASS_KINDS:
                if int(label) == self.ignore_index:
                    continue
                at = (index[0], slice(None), *index[1:])
                own = prediction[at] if self.name != "tagging" else prediction[index]
                loss = own.exp().sum().log() - own[int(label)]
                mass = 1.0 if self.class_weights is None else self.class_weights[int(label)]
            else:
                if bool(label.isnan().any()):
                    continue
                own, mass = prediction[index], 1.0
                loss = self._number_loss(own, label)
                if self.name in YES_NO_KINDS and self.class_weights is not None:
                    mass = self.no_and_yes(index[1])[int(label)]
            if weights is not None:
                mass *= float(weights[index[0]] if weights.dim() == 1 else weights[index])
            if mass > 0:
                found.append(Single(index, mass, loss, own, label))
        return found

    def _number_loss(self, own: Tensor, label: Tensor) -> Tensor:
        if self.name in YES_NO_KINDS:
            chance = 1 / (1 + (-own).exp())
            return -(chance.log() if label == 1 else (1 - chance).log())
        if self.name == "custom":
            return (own - label) ** 2
        error = (own - label) / self.scale
        if self.error == "squared":
            loss = error**2
        elif self.error == "absolute":
            loss = error.abs()
        else:
            size = error.abs()
            loss = torch.where(size <= 1, size**2 / 2, size - 0.5)
        return loss.mean()


@dataclass(frozen=True)
class Case:
    """A task with predictions, labels and weights."""

    kind: Kind
    prediction: Tensor
    target: Tensor
    weights: Tensor | None

    def labels(self) -> list[Single]:
        return self.kind.labels(self.prediction, self.target, self.weights)

    def loss(self) -> Tensor:
        """The weighted mean of the single losses."""
        labels = self.labels()
        total = sum((one.mass * one.loss for one in labels), torch.zeros(()).double())
        return total / sum(one.mass for one in labels)

    def count(self) -> float:
        return sum(one.mass for one in self.labels())


@st.composite
def cases(draw: st.DrawFn, kinds: Sequence[str] = KINDS) -> Case:
    """Any kind with any labels. Weights are multiples of 1/4, so that sums of them are exact."""
    kind = Kind(
        name=draw(st.sampled_from(kinds)),
        error=draw(st.sampled_from(ERRORS)),
        scale=draw(st.sampled_from([1.0, 0.5, 4.0])),
        class_weights=draw(st.sampled_from([None, (0.5, 1.0, 2.0), (1.0, 0.0, 3.0)])),
        ignore_index=draw(st.sampled_from([-100, 0, 255])),
    )
    batch = draw(st.integers(1, 5))
    seed = draw(st.integers(0, 10**6))
    prediction, target = kind.draw(batch, draw(st.sampled_from([0.0, 0.3, 0.8])), seed)
    generator = torch.Generator().manual_seed(seed)
    shape = kind.mass_shape(batch)
    match draw(st.sampled_from(["none", "examples", "labels", "mask"])):
        case "examples":
            weights = torch.randint(0, 9, (batch,), generator=generator) / 4
        case "labels":
            weights = torch.randint(0, 9, shape, generator=generator) / 4
        case "mask":
            weights = torch.rand(shape, generator=generator) < 0.6
        case _:
            weights = None
    return Case(kind, prediction, target, weights)
