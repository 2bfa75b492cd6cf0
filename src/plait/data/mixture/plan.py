"""The plan of a mixture's epochs, known before anything is read."""

from __future__ import annotations

from plait.data.mixture.mixture import Mixture
from plait.runs.mixture import MixturePlan, SourcePlan


def plan(mixture: Mixture) -> MixturePlan:
    """Returns the steps of an epoch and the share of each source.

    Example:
        >>> from plait.data import InMemory, Source
        >>> from plait.data.mixing import EqualShares
        >>> from plait.tasks import Regression
        >>> import torch
        >>> def table(rows):
        ...     data = InMemory(torch.zeros(rows, 2), {"y": torch.zeros(rows, 1)})
        ...     return Source(data, batch_size=10)
        >>> sources = {"large": table(80), "small": table(20)}
        >>> found = plan(Mixture(sources, EqualShares(), tasks=[Regression("y")]))
        >>> found.steps, found.sources["small"].share, found.sources["small"].passes
        (10, 0.5, 2.5)
    """
    sizes, policy = mixture.sizes, mixture.mixing
    shares, turns = policy.shares_of(sizes), policy.turns(sizes)
    return MixturePlan(
        policy=repr(policy),
        steps=mixture.steps,
        rule=policy.rule(),
        sources={
            name: SourcePlan(
                examples=size.examples,
                batch_size=size.batch_size,
                share=shares.get(name),
                steps=turns[name] * mixture.steps,
                passes=turns[name] * mixture.steps / size.batches if size.batches else None,
            )
            for name, size in sizes.items()
        },
    )
