"""What an epoch gives of each source, said before anything is read."""

from collections import Counter

import pytest

from plait.data import Mixture, Source
from plait.data.mixing import AllSources, EqualShares, Policy, RoundRobin
from plait.data.mixture.plan import plan
from tests.data.mixture.tables import Stream, sources, table, tasks


@pytest.mark.parametrize("mixing", [AllSources(), RoundRobin()], ids=repr)
def test_steps_and_passes_are_those_of_the_epoch(mixing: Policy) -> None:
    made = Mixture(sources(), mixing, tasks=tasks())
    found = plan(made)
    turns = Counter(part.source for batch in made for part in batch.parts)
    for name, each in found.sources.items():
        assert each.steps == turns[name]
        assert each.passes == turns[name] / (made.sizes[name].batches or 0)
        assert each.share == pytest.approx(mixing.shares_of(made.sizes)[name])


def test_drawn_steps_are_those_in_the_mean() -> None:
    made = Mixture(sources(), EqualShares(), tasks=tasks(), steps=900)
    turns = Counter(part.source for batch in made for part in batch.parts)
    for name, each in plan(made).sources.items():
        assert abs(each.steps - turns[name]) < 5 * 900**0.5 / 2


def test_what_is_not_known_is_none() -> None:
    given = {"s": Source(Stream(table("small", 4)), batch_size=2)}
    found = plan(Mixture(given, EqualShares(), tasks=tasks(), steps=3)).sources["s"]
    assert (found.examples, found.passes, found.share, found.steps) == (None, None, 1.0, 3.0)
