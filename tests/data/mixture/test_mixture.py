"""Batches of several sources: whose they are, in which order, and from any position."""

from collections import Counter
from typing import Any

import pytest
import torch

from plait.core.errors import ConfigError, DataError
from plait.data import InMemory, Mixture, Resumable, Source
from plait.data.mixing import (
    AllSources,
    EqualShares,
    Policy,
    Proportional,
    RoundRobin,
    Shares,
    Temperature,
)
from plait.tasks import Regression
from tests.data.mixing.sizes import COUNTS
from tests.data.mixture.tables import (
    LARGE,
    SMALL,
    KnownStream,
    Noisy,
    Stream,
    contents,
    epoch_of,
    sources,
    table,
    tasks,
)

POLICIES: list[Policy] = [Proportional(), EqualShares(), RoundRobin(), AllSources()]


def mixture(mixing: Policy | None = None, workers: int = 0, **options: Any) -> Mixture:
    return Mixture(sources(workers), mixing, tasks=tasks(), **options)


@pytest.mark.parametrize("mixing", POLICIES, ids=repr)
def test_any_epoch_from_any_position(mixing: Policy) -> None:
    """A mixture of its own for each answer, as in a new process; what others draw is no matter."""
    whole = epoch_of(mixture(mixing), 1)
    assert len(whole) == len(mixture(mixing))
    for skip in (0, 1, 5, 11, len(whole) - 1, len(whole)):
        torch.manual_seed(skip)
        assert epoch_of(mixture(mixing), 1, skip) == whole[skip:]
    assert epoch_of(mixture(mixing), 0) != whole


@pytest.mark.parametrize("mixing", [EqualShares(), AllSources()], ids=repr)
def test_any_position_with_workers(mixing: Policy) -> None:
    whole = epoch_of(mixture(mixing, workers=2), 1)
    assert epoch_of(mixture(mixing, workers=2), 1, 7) == whole[7:]
    sources_of = [[part[0] for part in step] for step in whole]
    without = epoch_of(mixture(mixing), 1)
    assert [[part[0] for part in step] for step in without] == sources_of
    large = [p for step in whole for p in step if p[0] == "large"]
    assert large == [p for step in without for p in step if p[0] == "large"]


def test_nothing_is_drawn_from_the_global_generators() -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    list(mixture())
    assert torch.equal(torch.get_rng_state(), state)


def test_passes_have_orders_of_their_own_and_each_example_once() -> None:
    """Also from epoch to epoch; another seed gives another order."""
    mixing = AllSources()
    found = []
    for seed, epoch in ((0, 0), (0, 1), (1, 0)):
        batches = epoch_of(mixture(mixing, seed=seed), epoch)
        steps = [dict(step)["middle"] for step in batches]
        numbers = [int(each) for step in steps for each in step]
        found += [numbers[:9], numbers[9:]]
    assert all(sorted(each) == list(range(9)) for each in found[::2])
    assert len({tuple(each) for each in found[::2]}) == 3
    assert found[1] != found[0][: len(found[1])], "the second pass"


def test_skipping_reads_nothing_without_workers() -> None:
    noisy = Noisy(table("middle", 9))
    made = Mixture({"middle": Source(noisy, batch_size=2)}, tasks=tasks())
    (rest,) = epoch_of(made, 0, len(made) - 1)
    assert len(rest[0][1]) == noisy.read == 1


@pytest.mark.parametrize(
    "mixing",
    [
        Proportional(),
        EqualShares(),
        Temperature(tau=2),
        Shares({"large": 0.3, "middle": 0.3, "small": 0.4}),
    ],
    ids=repr,
)
def test_examples_are_drawn_by_the_stated_shares(mixing: Policy) -> None:
    """Sources of 100,000, 10,000 and 1,000 examples, counted as they come."""
    given = {}
    for name, count in COUNTS.items():
        data = InMemory(torch.zeros(count, 1), {"common": torch.zeros(count, 1)})
        given[name] = Source(data, batch_size=100 if name == "large" else 20)
    made = Mixture(given, mixing, tasks=tasks())
    seen: Counter[str] = Counter()
    for batch in made:
        seen.update({batch.parts[0].source: len(batch.parts[0].inputs)})
    total = sum(seen.values())
    assert abs(total - sum(COUNTS.values())) < 0.1 * total
    for name, share in mixing.shares_of(made.sizes).items():
        turns = share * total / (made.sizes[name].batch_size or 0)
        assert abs(seen[name] / total - share) < 5 * share / turns**0.5, name


def test_parts_name_their_source_and_lack_absent_tasks() -> None:
    for batch in mixture():
        (part,) = batch.parts
        assert set(part.targets) == set(part.counts) == {part.source, "common"}
        assert part.foreign == ()


def test_inputs_for_stems_are_keyed_by_their_source() -> None:
    for batch in mixture(AllSources(), stems=True):
        for part in batch.parts:
            assert list(part.inputs) == [part.source]


def test_an_epoch_that_the_user_sets() -> None:
    made = mixture(steps=5)
    assert len(made) == len(list(made)) == 5


def test_it_is_resumable() -> None:
    assert isinstance(mixture(), Resumable)
    assert mixture().seeks


# --- sources that end -----------------------------------------------------------------------


def with_stream(mixing: Policy, *, steps: int = 30, known: bool = False) -> Mixture:
    """A table, and a stream of three batches."""
    kind = KnownStream if known else Stream
    given = {
        "large": Source(table("large", LARGE), batch_size=4),
        "small": Source(kind(table("small", SMALL)), batch_size=2, examples=None),
    }
    return Mixture(given, mixing, tasks=tasks(), steps=steps)


@pytest.mark.parametrize("mixing", [EqualShares(), AllSources()], ids=repr)
def test_a_stream_that_ends_ends_the_epoch(mixing: Policy) -> None:
    made = with_stream(mixing)
    found = contents(made)
    small = [part for step in found for part in step if part[0] == "small"]
    assert len(small) == 2
    assert 2 <= len(found) < 30
    said = "source 'small' ended after 2 batches in epoch 1, and so did the epoch, of 30 steps"
    assert made.ended == said
    assert epoch_of(made, 0, 1) == found[1:]


@pytest.mark.parametrize("mixing", [RoundRobin(), Shares({"large": 0.5, "small": 0.5})], ids=repr)
def test_a_stream_that_ends_is_an_error_where_its_turns_are_promised(mixing: Policy) -> None:
    with pytest.raises(DataError, match=r"source 'small': it ended after 2 batches in epoch 1"):
        list(with_stream(mixing))


@pytest.mark.parametrize("mixing", POLICIES, ids=repr)
def test_a_stream_with_a_length_starts_anew(mixing: Policy) -> None:
    made = with_stream(mixing, known=True)
    assert len(list(made)) == 30
    assert made.ended == ""


def test_a_loader_that_is_shorter_than_it_says_has_ended_early() -> None:
    class Short:
        def __len__(self) -> int:
            return 5

        def __iter__(self) -> Any:
            return iter([table("small", 2)[:]] * 3)

    made = Mixture({"s": Source(Short(), batch_size=2)}, AllSources(), tasks=tasks(), steps=9)
    assert len(list(made)) == 3
    assert "ended after 3 batches" in made.ended


def test_a_loader_that_gives_nothing_is_an_error() -> None:
    class Empty:
        def __iter__(self) -> Any:
            return iter(())

    made = Mixture({"s": Source(Empty(), batch_size=2)}, AllSources(), tasks=tasks(), steps=9)
    with pytest.raises(DataError, match=r"source 's': it gives no batch"):
        list(made)


def test_an_error_of_a_source_names_it() -> None:
    bad = [(torch.zeros(1), {"common": "no number"})] * 4
    made = Mixture({"bad": Source(bad, batch_size=2)}, tasks=tasks())
    with pytest.raises(DataError, match=r"source 'bad': "):
        list(made)


# --- what does not fit ----------------------------------------------------------------------


def test_the_first_pass_over_a_source_is_that_of_the_first_epoch() -> None:
    made = mixture(AllSources())
    first = [dict(step)["middle"] for step in contents(made)][:5]
    ahead = [step[0][1] for step in contents(made.first_pass("middle"))]
    assert ahead == first


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ({}, {}, "a mixture needs sources by name"),
        ([Source(table("small", 4), batch_size=2)], {}, "a mixture needs sources by name"),
        ({"a": table("small", 4)}, {}, "'a' of a mixture must be a `Source`; found InMemory"),
        (sources(), {"steps": 0}, "`steps` of a mixture must be at least 1; found 0"),
        (sources(), {"mixing": Shares({"large": 1.0})}, "middle, small has none"),
        ({"s": Source(Stream(table("small", 4)), batch_size=2)}, {}, "Proportional needs"),
        (
            {"s": Source(Stream(table("small", 4)), batch_size=2)},
            {"mixing": EqualShares()},
            "'s' has no length",
        ),
    ],
)
def test_what_does_not_fit_is_told_when_the_mixture_is_made(
    given: Any, options: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Mixture(given, tasks=[Regression("small")], **options)
