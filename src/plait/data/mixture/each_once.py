"""Several data sets one after the other, each gone through once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from plait.core.batch import Batch
from plait.core.label_counts import CountsLabels
from plait.data.collate import batches_of
from plait.data.mixture.data_sets import DataSets
from plait.data.mixture.named import check_sources, named_parts, of_source
from plait.data.mixture.source import Source


class EachOnce:
    """A loader that goes through several data sets once, one after the other, to measure a model.

    Args:
        sources: `{name: source}`.
        tasks: the tasks of the model; they count the labels.
        stems: whether inputs are handed on as ``{source: inputs}``, as `plait.encoders.Stems` reads
            them.

    Attributes:
        loaders: `{source: its loader}`.
        dataset: the data of all sources, as one data set.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        *,
        tasks: Iterable[CountsLabels],
        stems: bool = False,
    ) -> None:
        check_sources(sources)
        self.tasks = tuple(tasks)
        self.stems = stems
        self.dataset = DataSets({name: each.data for name, each in sources.items()}, keyed=stems)
        self.loaders = {name: each.loader(self.tasks, 0) for name, each in sources.items()}

    def __iter__(self) -> Iterator[Batch]:
        for name in self.loaders:
            yield from self.of(name)

    def of(self, source: str) -> Iterator[Batch]:
        """Yields the batches of one source.

        Raises:
            DataError: a batch of it breaks a rule; the message names the source.
        """
        with of_source(source):
            for batch in batches_of(self.loaders[source], self.tasks):
                yield Batch(named_parts(source, batch, keyed=self.stems))
