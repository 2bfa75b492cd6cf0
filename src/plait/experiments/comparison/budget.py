"""A budget of time that all members have alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plait.core.errors import ConfigError
from plait.experiments.comparison.defaults import PLAIN_SUM
from plait.experiments.comparison.plan import Planned, joint
from plait.experiments.comparison.runner import Runner


def plain_minutes(runner: Runner, planned: Sequence[Planned]) -> float:
    """Returns the wall-clock time in minutes that the plain sum takes for its epochs.

    It is trained first, on the first seed.

    Raises:
        ConfigError: the plain sum has failed, so that there is no time to give.
    """
    plain = next((each for each in planned if each.member.name == PLAIN_SUM.name), None)
    plain = joint(runner.config, PLAIN_SUM) if plain is None else plain
    (first,) = runner.trained([plain], runner.seeds[:1])
    result = first.networks[""][0].result
    if result is None:
        raise ConfigError(
            f"the plain sum has failed ({first.failed(0)}), so that no time can be given to the "
            "others. Mend it, or give epochs: --budget epochs."
        )
    return result.seconds / 60


def limited(planned: Planned, minutes: float | None) -> Planned:
    """Gives a member a number of minutes, which networks of one task each share in equal parts.

    One that is done earlier, by its epochs or its patience, ends earlier. The plain sum, whose time
    it is, stays as it is; so do all for None.
    """
    if minutes is None or planned.member.name == PLAIN_SUM.name:
        return planned
    share = {"minutes": minutes / len(planned.networks)}
    networks = {name: own.model_copy(update=share) for name, own in planned.networks.items()}
    return replace(planned, networks=networks)
