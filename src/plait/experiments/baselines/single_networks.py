"""The single-task networks of one seed, as one network that can be given any merged trunk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from plait.core.errors import UnsupportedError
from plait.data import batches_of
from plait.encoders import Stems
from plait.evaluation import Evaluation, Resampler, evaluate, rule, units_of
from plait.experiments.baselines.batch_norm import estimate_batch_norm
from plait.experiments.baselines.merging_ways import Merge
from plait.experiments.build import Problem
from plait.experiments.build.loaders import build_loaders, example_of
from plait.experiments.build.model import build_encoder, build_model
from plait.experiments.config import RunConfig, read_run
from plait.experiments.method import Method
from plait.merging import average
from plait.model.folder import load_state, read_model
from plait.runs.folder import MODEL
from plait.runs.resamples import Resamples
from plait.training.device import pick_device
from plait.training.labels import LabelStatistics

States = dict[str, dict[str, Tensor]]
TRUNK = "sharing."  # before the names of the trunk's entries


class SingleNetworks:
    """The finished single-task networks of one seed, which have a common start.

    Args:
        config: the settings of the joint network, with the seed.
        folders: `{task: run folder of its own network}` of all tasks.
        problem: the data.

    Attributes:
        model: one trunk, the start, and a head for each task.
        start: the entries of the trunk before training.
        trunks: `{task: entries of its trunk}`.

    Raises:
        UnsupportedError: "not mergeable": the networks had no common start.
        CheckpointError: a run folder has no model, or a damaged one.
    """

    def __init__(self, config: RunConfig, folders: Mapping[str, Path], problem: Problem) -> None:
        _check_alike(config, folders)
        shared = {
            "sharing": Method.model_validate("Hard"),
            "regularization": None,
            "connections": None,
        }
        config = config.model_copy(update=shared)
        tasks = problem.tasks(config.tasks)
        encoder = build_encoder(config, problem)
        if isinstance(encoder, Stems):
            raise UnsupportedError("not mergeable: each data set has a stem of its own.")
        self._loaders = build_loaders(config, problem.splits(tasks), tasks)
        example = example_of(self._loaders["val"], encoder)
        self.model = build_model(config, encoder, tasks, example)
        if not any(name.startswith(TRUNK) for name, _ in self.model.named_parameters()):
            raise UnsupportedError("not mergeable: the encoder has no weights to share.")
        self.start = _entries(self.model.state_dict(), trunk=True)
        states = {task: read_model(folders[task] / MODEL)[1] for task in self.model.tasks}
        self.trunks = {task: _entries(state, trunk=True) for task, state in states.items()}
        self._heads: dict[str, Tensor] = {}
        for state in states.values():
            self._heads |= _entries(state, trunk=False)
        self._device = pick_device(config.device)
        self._labels = LabelStatistics(self.model.tasks)
        with torch.random.fork_rng(devices=[]):  # iterating a loader draws from the generator
            self._labels.add(batches_of(self._loaders["train"], tasks))
        self._all_right = config.all_right
        self.score = rule(
            config.rule, self.model.tasks, reduction=config.reduction, all_right=config.all_right
        )

    def merge(self, merge: Merge, strength: float) -> None:
        """Gives the model the merged trunk, each task its own head, and BatchNorm new statistics.

        Weights are merged; other floating entries of the trunk are averaged.

        Raises:
            UnsupportedError: "not mergeable": the trunks have different entries.
        """
        weights = {name for name, _ in self.model.named_parameters()}
        state = merge(*self._trunks(weights), strength=strength)
        state |= average(*self._trunks(self.start.keys() - weights))
        load_state(self.model, state | self._heads, "the single-task networks")
        self.model.to(self._device).eval()
        estimate_batch_norm(self.model, self._loaders["train"], device=self._device)

    def test(self, resamples: int) -> tuple[Evaluation, Resamples | None]:
        """Measures the model on the test split, and on so many resamples of it."""
        if not resamples:
            return self.evaluate("test"), None
        units = units_of(self._loaders["test"].dataset)
        resampler = Resampler(self.model.tasks, units, draws=resamples)
        return self.evaluate("test", resampler), resampler.compute()

    def evaluate(self, split: str, resampler: Resampler | None = None) -> Evaluation:
        """Measures the model on "val" or "test"."""
        return evaluate(
            self.model,
            self._loaders[split],
            device=self._device,
            statistics=self._labels.statistics,
            all_right=self._all_right,
            resampler=resampler,
        )

    def _trunks(self, names: Collection[str]) -> tuple[dict[str, Tensor], States]:
        """Returns entries of the start and of the trunks, with all that the start does not have."""

        def some(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {n: v for n, v in state.items() if n in names or n not in self.start}

        return some(self.start), {task: some(trunk) for task, trunk in self.trunks.items()}


def _check_alike(config: RunConfig, folders: Mapping[str, Path]) -> None:
    """Raises `UnsupportedError` if a network was trained from another start than `config` has."""
    expected: dict[str, Any] = {"seed": config.seed, "encoder": config.encoder, "start_from": []}
    for task, folder in folders.items():
        own = read_run(folder)
        for setting, value in expected.items():
            if getattr(own, setting) != value:
                raise UnsupportedError(
                    f"not mergeable: the network of task {task!r} was trained with another "
                    f"`{setting}`, so that it had no common start with the others."
                )


def _entries(state: Mapping[str, Tensor], *, trunk: bool) -> dict[str, Tensor]:
    """Returns copies of the entries of the trunk, or of all others."""
    return {n: v.detach().cpu().clone() for n, v in state.items() if n.startswith(TRUNK) == trunk}
