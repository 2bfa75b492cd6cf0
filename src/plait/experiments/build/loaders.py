"""The loaders of a run: of one data set, or of several that are mixed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from plait.core.errors import ConfigError, PlaitError
from plait.core.families import FAMILIES
from plait.data import DataSets, EachOnce, Mixture, Source, loader
from plait.data.mixture.named import of_source
from plait.data.passes import batches_in
from plait.experiments.build.methods import method
from plait.experiments.config import RunConfig
from plait.networks import infer_shape
from plait.tasks import BaseTask


def build_loaders(
    config: RunConfig,
    splits: Mapping[str, Dataset[Any]],
    tasks: Sequence[BaseTask],
    *,
    stems: bool = False,
) -> dict[str, Any]:
    """Builds the loaders of "train", "val" and "test".

    Args:
        config: the settings.
        splits: the data sets; a `DataSets` each where there are several sources.
        tasks: those that the model predicts.
        stems: whether inputs are handed on by their source.

    Raises:
        ConfigError: a policy that does not fit, or a setting of several data sets with one.
        DataError: a data set is empty.
    """
    train = splits["train"]
    if isinstance(train, DataSets):
        return _of_sources(config, splits, tasks, stems=stems)
    for name in ("mixing", "steps"):
        if getattr(config, name) is not None:
            raise ConfigError(
                f"setting {name!r} is about several data sets, and there is one. Name them under "
                "`sources`, or leave it out."
            )
    return {
        split: loader(
            data,
            batch_size=batch_size_of(config.batch_size, _examples(train)),
            shuffle=split == "train",
            seed=config.seed,
            workers=config.workers,
            tasks=tasks,
        )
        for split, data in splits.items()
    }


def _of_sources(
    config: RunConfig, splits: Mapping[str, Any], tasks: Sequence[BaseTask], *, stems: bool
) -> dict[str, Any]:
    """Mixes the training data, and measures on the data of all sources, one after the other."""
    sizes = {}
    for name, data in splits["train"].by_source.items():
        own = (config.sources or {}).get(name)
        stated = config.batch_size if own is None or own.batch_size is None else own.batch_size
        sizes[name] = batch_size_of(stated, _examples(data))
    sources = {
        split: _sources(config, data.by_source, sizes, shuffle=split == "train")
        for split, data in splits.items()
    }
    policy = None if config.mixing is None else method(config.mixing, FAMILIES["data.mixing"])
    options: dict[str, Any] = {"seed": config.seed, "steps": config.steps, "stems": stems}
    found: dict[str, Any] = {"train": Mixture(sources["train"], policy, tasks=tasks, **options)}
    for split in ("val", "test"):
        found[split] = EachOnce(sources[split], tasks=tasks, stems=stems)
    return found


def _sources(
    config: RunConfig, by_source: Mapping[str, Any], sizes: Mapping[str, int], *, shuffle: bool
) -> dict[str, Source]:
    """Makes the sources of a split.

    Raises:
        DataError: one has no example; the message names it.
    """
    found = {}
    for name, data in by_source.items():
        with of_source(name):
            options: dict[str, Any] = {"batch_size": sizes[name], "workers": config.workers}
            found[name] = Source(data, shuffle=shuffle, **options)
    return found


def example_of(loading: Any, encoder: nn.Module) -> Any:
    """Returns one batch of inputs; of several data sets with stems, one of each, by its source.

    Args:
        loading: the loader of the validation data.
        encoder: of the model. Without stems, it has to be able to read each source.

    Raises:
        PlaitError: it cannot read the inputs of a source, which is named.
    """
    if not isinstance(loading, EachOnce):
        return next(iter(loading)).parts[0].inputs
    found = {name: next(iter(loading.of(name))).parts[0].inputs for name in loading.loaders}
    if loading.stems:
        return {name: inputs[name] for name, inputs in found.items()}
    first, *others = found
    for name in others:
        try:
            infer_shape(encoder, found[name])
        except PlaitError as error:
            raise type(error)(
                f"source {name!r}: {error} Give each source a `stem`, if their inputs differ."
            ) from error
    return found[first]


def batch_size_of(stated: int | str, examples: int | None) -> int:
    """Returns the examples in a batch; what "auto" is follows from the number of all.

    Args:
        stated: a number, or "auto".
        examples: of the training; None for a stream that does not say.

    Example:
        >>> [batch_size_of("auto", count) for count in (7, 2_100, 4_000, 10**6, None)]
        [32, 64, 128, 256, 256]
    """
    if isinstance(stated, int):
        return stated
    share = 256 if examples is None else min(max(examples / 32, 32), 256)
    return 1 << round(math.log2(share))


def _examples(data: Any) -> int | None:
    """Returns the number of examples, if the data say it."""
    found = getattr(data, "examples", None)
    return found if isinstance(found, int) else batches_in(data)
