"""A budget of time that all members have alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plait.core.errors import ConfigError
from plait.experiments.comparison.defaults import PLAIN_SUM
from plait.experiments.comparison.plan import Planned, joint
from plait.experiments.comparison.runner import Runner


def within(runner: Runner, planned: Sequence[Planned]) -> list[Planned]:
    """Gives each member the wall-clock time that the plain sum takes for its epochs.

    The plain sum is trained first, on the first seed. Networks of one task each share the time in
    equal parts. A member that is done earlier, by its epochs or its patience, ends earlier.

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
    minutes = result.seconds / 60
    return [
        each if each.member.name == PLAIN_SUM.name else _limited(each, minutes) for each in planned
    ]


def _limited(planned: Planned, minutes: float) -> Planned:
    share = {"minutes": minutes / len(planned.networks)}
    networks = {name: own.model_copy(update=share) for name, own in planned.networks.items()}
    return replace(planned, networks=networks)
