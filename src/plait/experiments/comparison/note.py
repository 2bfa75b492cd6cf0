"""The conditions of a comparison, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from plait.experiments.comparison.choices import Budget
from plait.experiments.comparison.trained import MemberRuns
from plait.experiments.config import RunConfig


def note_of(
    config: RunConfig,
    trained: Sequence[MemberRuns],
    seeds: Sequence[int],
    *,
    budget: Budget,
    trials: int,
    searched: bool,
) -> str:
    """Returns the conditions: seeds, budget, what was tuned, and what was read of the test part.

    Args:
        config: the settings of the joint networks.
        trained: all members.
        seeds: of the runs.
        budget: what all members have alike.
        trials: settings that were tried for each member.
        searched: whether the learning rate of `config` is the best of three.
    """
    which = f"Seed {seeds[0]}" if len(seeds) == 1 else f"Seeds {', '.join(map(str, seeds))}"
    told = [
        f"{which}, one run each: {_budget(config, budget)}, batch size {config.batch_size}, the "
        "same encoder and first weights.",
        _tuned(config, trials, searched),
        "Epochs and settings are chosen on the validation split; each network has read the test "
        "split once, afterwards.",
        _spread(seeds),
    ]
    failed = [runs.member.title for runs in trained if any(map(runs.failed, range(len(seeds))))]
    if failed:
        told.append(f"Without all numbers: {', '.join(failed)}; the table says why.")
    return " ".join(filter(None, told))


def _budget(config: RunConfig, budget: Budget) -> str:
    many = f"{config.epochs} {'epoch' if config.epochs == 1 else 'epochs'}"
    if budget == "time":
        return f"the wall-clock time of the plain sum, and {many} at most"
    return f"at most {many}" if config.patience else many


def _tuned(config: RunConfig, trials: int, searched: bool) -> str:
    if trials:
        return (
            f"Each network has the best of {trials} settings of its own, the single-task ones "
            "included."
        )
    if searched:
        rate = config.optimizer.options.get("lr")
        return (
            f"Nothing is tuned but the learning rate, {rate:g} for all: the best of three for the "
            "plain sum. Static weights are not tuned without --trials."
        )
    return "Nothing is tuned."


def _spread(seeds: Sequence[int]) -> str:
    if len(seeds) == 1:
        return "One seed shows no spread: small differences may be chance."
    told = "Numbers are means over the seeds, ± the sample standard deviation."
    if len(seeds) == 2:
        # t_0.975 / sqrt(seeds): 8.98 with 2 seeds, 1.24 with 5
        told += " Two seeds leave intervals wide; of five, that part is a seventh as wide."
    return told
