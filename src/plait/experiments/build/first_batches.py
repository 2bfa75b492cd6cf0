"""The batches of the first epoch, for whoever looks at a run before it is trained."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from plait.core.batch import Batch
from plait.core.errors import PlaitWarning
from plait.data import batches_of
from plait.experiments.build.job import Job
from plait.runs import EventLog
from plait.training.feed import Feed
from plait.training.randomness import seed_all
from plait.training.units import fit_units


def first_batches(job: Job) -> Iterator[Batch]:
    """Yields the training batches of the first epoch, as the training would draw them.

    The units of regressions are read from the labels first, as they are before the first step.

    Args:
        job: its model gets the units; it is not for training afterwards.
    """
    trainer = job.trainer
    feed = Feed(job.loaders["train"], trainer.options.seed)
    with warnings.catch_warnings():  # the training will say it
        warnings.simplefilter("ignore", PlaitWarning)
        fit_units(trainer.model, feed, EventLog(None))
    seed_all(trainer.options.seed, "fit")
    yield from batches_of(feed.epoch(0), trainer.model.tasks.values())
