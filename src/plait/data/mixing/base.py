"""The base of the mixing policies: which source gives a step, and when an epoch ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from plait.core.arguments import Checked
from plait.core.errors import ConfigError
from plait.core.lookup import attributes_of, parameters


@dataclass(frozen=True)
class Size:
    """The size of a source, as far as it is known before the source is read.

    Attributes:
        examples: those of one pass over the source; None for a stream that does not say.
        batches: those of one pass; None likewise.
        batch_size: examples in a batch, the mean over a pass; None if nobody knows.
    """

    examples: int | None
    batches: int | None
    batch_size: float | None


Sizes = Mapping[str, Size]


class Policy(Checked, ABC):
    """A rule by which a mixture chooses the sources of each step.

    Attributes:
        strict: whether a source that ends before the epoch is an error; else the epoch ends there.
    """

    strict: ClassVar[bool] = False

    def __init__(self) -> None:
        """Makes a policy without options."""

    @abstractmethod
    def shares_of(self, sizes: Sizes) -> dict[str, float]:
        """Returns `{source: its share of all examples}`, which add up to 1.

        Empty where it follows from sizes of batches that are not known.

        Raises:
            ConfigError: a size that the policy needs is not known.
        """

    @abstractmethod
    def steps(self, sizes: Sizes) -> int:
        """Returns the number of steps in an epoch, where the user has not set it.

        Raises:
            ConfigError: a size that the policy needs is not known.
        """

    @abstractmethod
    def turns(self, sizes: Sizes) -> dict[str, float]:
        """Returns `{source: share of the steps in which it gives a batch}`, in the mean."""

    @abstractmethod
    def order(self, sizes: Sizes, steps: int, seed: int) -> Tensor:
        """Returns the sources of each step of an epoch, by their numbers: `[steps, K]`.

        Args:
            sizes: `{source: size}`; a source's number is its place here.
            steps: of the epoch.
            seed: of what is drawn.
        """

    @abstractmethod
    def rule(self) -> str:
        """Says what an epoch is, as what follows "an epoch has N steps: "."""

    def __repr__(self) -> str:
        kept = attributes_of(self)
        options = [f"{name}={kept[name]!r}" for name in parameters(type(self)) if name in kept]
        return f"{type(self).__name__}({', '.join(options)})"


def known_examples(policy: Policy, sizes: Sizes) -> dict[str, int]:
    """Returns `{source: its examples}`.

    Raises:
        ConfigError: one of them is not known.
    """
    found = {name: size.examples for name, size in sizes.items() if size.examples is not None}
    for name in sizes:
        if name not in found:
            raise ConfigError(
                f"{type(policy).__name__} needs the number of examples of each source; source "
                f"{name!r} does not say it. State it: `Source(..., examples=N)`; or mix by "
                "`Shares`, `EqualShares`, `RoundRobin` or `AllSources`."
            )
    return found


def known_batch_sizes(sizes: Sizes) -> dict[str, float]:
    """Returns `{source: examples in its batches, in the mean}`.

    Raises:
        ConfigError: one of them is not known.
    """
    found = {name: size.batch_size for name, size in sizes.items() if size.batch_size is not None}
    for name in sizes:
        if name not in found:
            raise ConfigError(
                f"source {name!r} does not say how many examples its batches have, of which the "
                "shares of a mixture are made. State it: `Source(batches, batch_size=N)`."
            )
    return found


def check_lengths(sizes: Sizes) -> None:
    """Raises `ConfigError` where the length of a source, which an epoch follows, is not known."""
    for name, size in sizes.items():
        if size.batches is None:
            raise ConfigError(
                f"source {name!r} has no length, so that nobody knows when an epoch ends. Set the "
                "steps of an epoch: `Mixture(..., steps=N)`."
            )
