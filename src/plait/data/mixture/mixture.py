"""A loader of several data sets, mixed by a policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from plait.core.batch import Batch, Part
from plait.core.errors import ConfigError, DataError
from plait.core.label_counts import CountsLabels
from plait.core.seeding import derive_seed
from plait.data.collate import batches_of
from plait.data.mixing.base import Policy
from plait.data.mixing.proportional import Proportional
from plait.data.mixture.data_sets import DataSets
from plait.data.mixture.named import check_sources, named_parts, of_source
from plait.data.mixture.source import Source
from plait.data.passes import Passes
from plait.distributed import Ranks

PASSES = 1_000_000  # more than an epoch has of any source, so that every pass has its own number


class Mixture:
    """A loader of several data sets: each step has examples of one of them, or of all.

    Each part of a batch says by its `source` where it is from. A task that has no labels in the
    sources of a step is absent from it: it has no loss and no gradient, rather than one of zero.

    The order of a source in pass p of epoch e, and all that its transforms draw there, are
    functions of (seed, name of the source, e, p). A run resumes anywhere; map-style data sets that
    are read without workers skip what was used before without reading it.

    An epoch has as many steps as the policy says, or `steps`. A source that is through starts anew.
    One that ends before the batches that it said to have, or a stream without a length, ends the
    epoch; under `RoundRobin` and `Shares`, which could not be kept, that is an error.

    Args:
        sources: `{name: source}`.
        mixing: the policy; `Proportional` by default.
        tasks: the tasks of the model; they count the labels. A source has labels of some of them.
        seed: of all that is drawn; 0 by default.
        steps: of an epoch, at least 1; by default what the policy says. A mixture with a stream
            that has no length needs it.
        stems: whether inputs are handed on as ``{source: inputs}``, as `plait.encoders.Stems` reads
            them.

    Attributes:
        dataset: the data of all sources as one data set; None where one gives batches.
        sizes: `{source: what is known of its size}`.
        steps: of an epoch.
        ended: why the last epoch ended before its steps were done; "" if it did not.

    Raises:
        ConfigError: no source, a policy that does not fit, or an epoch without a known end.
        DataError: a source without examples.

    Example:
        >>> import torch
        >>> from plait.data import InMemory
        >>> from plait.tasks import Regression
        >>> large = InMemory(torch.zeros(40, 2), {"a": torch.zeros(40, 1)})
        >>> small = InMemory(torch.ones(8, 2), {"b": torch.ones(8, 1)})
        >>> sources = {
        ...     "large": Source(large, batch_size=10),
        ...     "small": Source(small, batch_size=4),
        ... }
        >>> mixture = Mixture(sources, tasks=[Regression("a"), Regression("b")])
        >>> len(mixture), sorted({part.source for batch in mixture for part in batch.parts})
        (6, ['large', 'small'])
    """

    seeks = True
    seeds_itself = True

    def __init__(
        self,
        sources: Mapping[str, Source],
        mixing: Policy | None = None,
        *,
        tasks: Iterable[CountsLabels],
        seed: int = 0,
        steps: int | None = None,
        stems: bool = False,
    ) -> None:
        check_sources(sources)
        self.sources = dict(sources)
        self.mixing = Proportional() if mixing is None else mixing
        self.tasks = tuple(tasks)
        self.seed = seed
        self.stems = stems
        self.ended = ""
        self._start = 0, 0
        of_examples = all(source.of_examples for source in self.sources.values())
        by_source = {name: source.data for name, source in self.sources.items()}
        self.dataset = DataSets(by_source, keyed=stems) if of_examples else None
        self.sizes = {name: source.size for name, source in self.sources.items()}
        if steps is not None and steps < 1:
            raise ConfigError(f"`steps` of a mixture must be at least 1; found {steps}.")
        self.steps = self.mixing.steps(self.sizes) if steps is None else steps
        self.mixing.order(self.sizes, 1, 0)  # a policy that does not fit is told now
        self._passes = {
            name: Passes(self._loader(name), seed, "source", name) for name in self.sources
        }

    @property
    def ranks(self) -> Ranks:
        """The processes that read it together: each has a part of every batch."""
        return next(iter(self._passes.values())).ranks

    @ranks.setter
    def ranks(self, ranks: Ranks) -> None:
        for each in self._passes.values():
            each.ranks = ranks

    def __len__(self) -> int:
        return self.steps

    def start_at(self, epoch: int, skip: int) -> None:
        """Says where the next pass begins; see `plait.data.Resumable`.

        Args:
            epoch: its number, from 0.
            skip: how many batches of it are left out.
        """
        self._start = epoch, skip

    def __iter__(self) -> Iterator[Batch]:
        """Yields the batches of an epoch, the first one unless `start_at` has set another.

        Raises:
            DataError: a source gives no batch, or ends early where that is an error.
        """
        epoch, skip = self._start
        self.ended = ""
        seed = derive_seed(self.seed, "mixing", epoch)
        order = self.mixing.order(self.sizes, self.steps, seed)
        used = order[:skip].flatten().bincount(minlength=len(self.sources)).tolist()
        given = [
            self._given(name, epoch, count) for name, count in zip(self.sources, used, strict=True)
        ]
        try:
            for row in _rows(order[skip:]):
                parts: tuple[Part, ...] = ()
                for number in row:
                    found = next(given[number], None)
                    if found is None:
                        return
                    parts += found
                yield Batch(parts)
        finally:
            for each in given:
                each.close()

    def first_pass(self, source: str) -> Iterator[Batch]:
        """Yields the first pass over a source in the first epoch; of a stream, `steps` batches."""
        most = self.sizes[source].batches or self.steps
        items = islice(self._passes[source].read(0, 0, number=0), most)
        with of_source(source):
            for batch in batches_of(items, self.tasks):
                yield Batch(named_parts(source, batch, keyed=self.stems))

    def first_passes(self) -> Iterator[Batch]:
        """Yields the first pass over each source, one after the other: every label, once."""
        for name in self.sources:
            yield from self.first_pass(name)

    def _given(self, name: str, epoch: int, used: int) -> Any:
        """Yields what a source gives to an epoch, pass after pass, until it ends early."""
        whole = self.sizes[name].batches
        number, skip = divmod(used, whole) if whole else (0, used)
        with of_source(name):
            while True:
                place = epoch * PASSES + number
                items = self._passes[name].read(epoch, number, number=place, skip=skip)
                count = skip
                for batch in batches_of(items, self.tasks):
                    count += 1
                    yield named_parts(name, batch, keyed=self.stems)
                    if count == whole:
                        break
                else:
                    self._end(name, epoch, number * (whole or 0) + count)
                    return
                number, skip = number + 1, 0

    def _end(self, name: str, epoch: int, count: int) -> None:
        """Notes that a source ended early; an error where its share cannot be kept."""
        if not count:
            raise DataError("it gives no batch. Is it empty, or can it be read only once?")
        policy = type(self.mixing).__name__
        where = f"ended after {count:,} batches in epoch {epoch + 1}"
        if self.mixing.strict:
            raise DataError(
                f"it {where}, and {policy} needs it for all {self.steps:,} steps. Give it more "
                "examples, set fewer `steps`, or mix by a policy under which the epoch ends there, "
                "such as `EqualShares` or `AllSources`."
            )
        self.ended = f"source {name!r} {where}, and so did the epoch, of {self.steps:,} steps"

    def _loader(self, name: str) -> Any:
        return self.sources[name].loader(self.tasks, derive_seed(self.seed, "source", name))


def _rows(order: Tensor) -> Iterator[list[int]]:
    """Yields the rows of a matrix, of which some thousand are lists at a time."""
    for some in torch.split(order, 4096):
        yield from some.tolist()
