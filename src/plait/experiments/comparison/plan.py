"""The runs of a comparison: which networks each member has, and where their folders are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.core.errors import ConfigError, UnsupportedError
from plait.experiments.build import Problem, build_job
from plait.experiments.build.known import check_methods
from plait.experiments.comparison.member import SINGLE, Member
from plait.experiments.comparison.single import alone
from plait.experiments.config import RunConfig, validate
from plait.experiments.overrides import merge
from plait.recipes import Combined
from plait.runs.comparison_member import ALL


@dataclass(frozen=True)
class Planned:
    """A member with the settings of its networks.

    Attributes:
        member: what it is.
        networks: `{task: settings of its network}`, or one under "" for all tasks.
        tuned: settings that were chosen on the validation split.
        trials: how many there were to choose from.
    """

    member: Member
    networks: Mapping[str, RunConfig]
    tuned: Mapping[str, Any] = field(default_factory=dict)
    trials: int = 0

    def folder(self, network: str) -> str:
        """Returns the name of the run folder of a network."""
        return f"{self.member.name}-{network}" if network else self.member.name


def joint(config: RunConfig, member: Member) -> Planned:
    """Returns one network of all tasks, with the member's settings laid on those of `config`.

    Raises:
        ConfigError: an unknown setting, method or option, or a bad value; the member is named.
    """
    try:
        own = validate(merge(config.described(), member.settings))
        check_methods(own)
        return Planned(member, {ALL: own})
    except ConfigError as error:
        raise ConfigError(f"member {member.name!r}: {error}") from None


def single(config: RunConfig, tasks: Iterable[str], member: Member = SINGLE) -> Planned:
    """Returns a network for each task, with the recipe, encoder and budget of `config`."""
    names = list(tasks)
    return Planned(member, {task: alone(config, task, names) for task in names})


def check_names(planned: Sequence[Planned]) -> None:
    """Refuses members whose folders would have one name.

    Raises:
        ConfigError: two runs would be named alike.
    """
    names = [each.folder(network) for each in planned for network in each.networks]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"two runs would be named {twice[0]!r}. Give each member its own name.")


def check_built(planned: Sequence[Planned], problem: Problem) -> None:
    """Builds the network of each member once, so that what cannot be is said before training.

    A mixture of data sets is compared where each of them has labels of each task.

    Raises:
        ConfigError: a setting that makes no sense; the member is named.
        DataError: data that are missing or break their rules.
    """
    for each in planned:
        if each.member.kind == "single" and isinstance(problem.recipe, Combined):
            problem.recipe.check_alone(each.networks)
        for network, own in each.networks.items():
            try:
                build_job(own, Path(each.folder(network)), problem=problem)
            except (ConfigError, UnsupportedError) as error:
                raise ConfigError(f"member {each.member.name!r}: {error}") from None


def places(folder: Path, seeds: Sequence[int]) -> dict[int, Path]:
    """Returns the folder of each seed, `seed-N`, so that seeds can be added later."""
    return {seed: folder / f"seed-{seed}" for seed in seeds}
