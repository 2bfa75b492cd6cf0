"""The findings of `plait doctor`, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.cli.explanation import in_processes, one_step

if TYPE_CHECKING:
    from plait.distributed.pair import Pair
    from plait.experiments.explanation import Explanation
    from plait.experiments.machine import Machine


def lines(machine: Machine, pair: Pair, run: Explanation | None) -> list[str]:
    """Returns a line for versions, device and two processes, and two for a run.

    Args:
        machine: what was seen.
        pair: what two processes have found.
        run: the explanation of its settings, if some were given.
    """
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    devices = ", ".join(machine.devices) or "no GPU"
    threads = f"{machine.processors} processors, {machine.threads} threads in one process"
    found = [f"{versions}.", f"{threads}; {devices}. A training runs on {machine.device}."]
    if pair.fault:
        found.append(
            f"Two processes ({pair.backend}) cannot train together here: {pair.fault}. Train in "
            "one, without --nproc."
        )
    else:
        found.append(
            f"Two processes ({pair.backend}) can train together: a sum of 8 MiB takes "
            f"{1000 * pair.seconds:.0f} ms, and is right."
        )
    if run is not None:
        found.append(one_step(run))
        if run.passes:
            found.append(in_processes(run))
    return found
