"""Golden cases of the methods that read the losses."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from plait.balancing import (
    DWA,
    FAMO,
    GLS,
    IGB,
    IMTLL,
    RLW,
    SLAW,
    STCH,
    GO4Align,
    Info,
    SmoothTchebycheff,
    UncertaintyWeights,
)
from plait.balancing.bases.learned_scales import LearnedScales
from tests.balancing.adapters.files import Adapter, Case, refuse_unknown
from tests.balancing.losses import ZERO, names, reading, step

Close = Callable[[Tensor, Any], None]


def comparison(header: Case, case: Case) -> Close:
    """How the file wants its numbers compared."""
    kind, _, rest = header["compare"].partition(" ")
    tolerance = rest if kind == "relative" else kind
    assert float(tolerance) == case["tol"]
    limits = {"rtol": case["tol"], "atol": 0.0}
    if kind != "relative":
        limits = {"rtol": 0.0, "atol": case["tol"]}

    def close(found: Tensor, expected: Any) -> None:
        wanted = torch.tensor(expected, dtype=torch.float64)
        torch.testing.assert_close(found.detach(), wanted, **limits)

    return close


def known(case: Case, fields: set[str], params: set[str]) -> None:
    """Fails where the case holds something else."""
    refuse_unknown(case, fields | {"id", "params", "tol", "note"}, "fields")
    refuse_unknown(case.get("params", {}), params, "parameters")


def by_name(values: Sequence[float] | None) -> dict[str, float] | None:
    return None if values is None else dict(zip(names(values), values, strict=True))


# --- learned weights ------------------------------------------------------------------------


def replay(balancer: LearnedScales, case: Case, close: Close, factor: float = 1.0) -> None:
    """Replays the steps, with SGD on the learned scales of `factor` times the objective."""
    assert case["params"]["optimizer"] == "SGD"
    learned = list(balancer.double().parameters())
    optimizer = torch.optim.SGD(learned, lr=case["params"]["lr"])
    for number, values in enumerate(case["losses_steps"]):
        losses = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        total = factor * balancer.objective(losses, Info(names(values)))
        optimizer.zero_grad()
        total.backward()
        close(total, case["total_steps"][number])
        assert losses.grad is not None
        close(losses.grad, case["weights_steps"][number])
        gradients = [s.grad for s in learned if s.grad is not None]
        close(torch.stack(gradients), case["grad_s_steps"][number])
        optimizer.step()
        close(torch.stack(learned), case["s_after_steps"][number])


STEPS = {"losses_steps", "total_steps", "weights_steps", "grad_s_steps", "s_after_steps"}


def uncertainty_weights(header: Case, case: Case) -> None:
    known(case, STEPS, {"form", "kinds", "init", "lr", "optimizer"})
    form, kinds = case["params"]["form"], case["params"]["kinds"]
    # "doubled" is an implementation that minimises twice the regression form
    factor = 2.0 if form == "doubled" else 1.0
    kinds = ["regression" if kind == "doubled" else kind for kind in kinds]
    tasks = names(kinds)
    per_task = dict(zip(tasks, kinds, strict=True))
    balancer = UncertaintyWeights(
        form=per_task if form == "mixed" else kinds[0], init=case["params"]["init"], tasks=tasks
    )
    replay(balancer, case, comparison(header, case), factor)


def imtl_l(header: Case, case: Case) -> None:
    known(case, STEPS, {"init", "lr", "optimizer"})
    balancer = IMTLL(init=case["params"]["init"], tasks=names(case["losses_steps"][0]))
    replay(balancer, case, comparison(header, case))


# --- weights from the history of the losses -------------------------------------------------


def dwa(header: Case, case: Case) -> None:
    known(
        case,
        # what nash-mtl gives while its windows still hold losses of 1 that never occurred
        {"losses_steps", "weights_steps", "nash_mtl_weights_steps_float32"}
        if "iteration_window" in case["params"]
        else {"losses_epochs_batches", "weights_epochs"},
        {"temperature", "iteration_window"},
    )
    close = comparison(header, case)
    window = case["params"].get("iteration_window")
    balancer = DWA(temperature=case["params"]["temperature"], window=window)
    if window is not None:
        for values, expected in zip(case["losses_steps"], case["weights_steps"], strict=True):
            close(step(balancer, values)[1], expected)
        return
    epochs = zip(case["losses_epochs_batches"], case["weights_epochs"], strict=True)
    for epoch, (batches, expected) in enumerate(epochs):
        for values in batches:
            close(step(balancer, values, epoch=epoch)[1], expected)


def slaw(header: Case, case: Case) -> None:
    fields = {"losses_steps", "stdev_steps", "weights_steps", "paper_ema_weights_steps"}
    known(case, fields, {"beta"})
    assert header["compare"] == "1e-7 (cancellation in E[L^2]-E[L]^2)"
    close = comparison({"compare": "1e-7"}, case)
    official = SLAW(beta=case["params"]["beta"])
    paper = SLAW(beta=case["params"]["beta"], bias_correction=False)
    for number, values in enumerate(case["losses_steps"]):
        close(step(official, values)[1], case["weights_steps"][number])
        close(official.deviation.get(names(values), ZERO), case["stdev_steps"][number])
        close(step(paper, values)[1], case["paper_ema_weights_steps"][number])


def go4align(header: Case, case: Case) -> None:
    known(
        case,
        {"losses_steps", "probs_steps", "weights_steps"},
        {"num_groups", "robust_step_size"},
    )
    close, params = comparison(header, case), case["params"]
    balancer = GO4Align(num_groups=params["num_groups"], step_size=params["robust_step_size"])
    for number, values in enumerate(case["losses_steps"]):
        close(step(balancer, values)[1], case["weights_steps"][number])
        shares = balancer.log_shares.get(names(values), ZERO).softmax(0)
        close(shares, case["probs_steps"][number])


def igb(header: Case, case: Case) -> None:
    known(
        case,
        {"losses_steps", "weights_steps", "value_steps", "gradient_steps"},
        {"base_losses", "base_set_before_step"},
    )
    close, balancer = comparison(header, case), IGB()
    for number, values in enumerate(case["losses_steps"]):
        epoch = 1 if number < case["params"]["base_set_before_step"] else 2
        value, gradient = step(balancer, values, epoch=epoch)
        close(value, case["value_steps"][number])
        close(gradient, case["gradient_steps"][number])
        close(gradient * ZERO.new_tensor(values), case["weights_steps"][number])
    close(balancer.base.mean.get(names(values), ZERO), case["params"]["base_losses"])


def famo(header: Case, case: Case) -> None:
    known(
        case,
        {
            *("losses_before_steps", "losses_after_steps", "z_steps"),
            *("value_steps", "weights_steps", "logits_after_steps"),
        },
        {"gamma", "w_lr", "min_losses"},
    )
    close, params = comparison(header, case), case["params"]
    tasks = names(params["min_losses"])
    # The authors' D = L - min + 1e-8
    bounds = {t: low - 1e-8 for t, low in zip(tasks, params["min_losses"], strict=True)}
    balancer = FAMO(lr=params["w_lr"], weight_decay=params["gamma"], min_losses=bounds)
    for number, values in enumerate(case["losses_before_steps"]):
        close(balancer.logits.get(tasks, ZERO).softmax(0), case["z_steps"][number])
        value, weights = step(balancer, values)
        close(value, case["value_steps"][number])
        close(weights, case["weights_steps"][number])
        balancer.after_step(reading(case["losses_after_steps"][number]))
        close(balancer.logits.get(tasks, ZERO), case["logits_after_steps"][number])


# --- one step at a time ---------------------------------------------------------------------


def rlw(header: Case, case: Case) -> None:
    known(case, {"draw", "weights"}, {"distribution"})
    draw = torch.tensor(case["draw"], dtype=torch.float64)
    weights = RLW(distribution=case["params"]["distribution"]).weights_of(draw)
    comparison(header, case)(weights, case["weights"])


def gls(header: Case, case: Case) -> None:
    known(case, {"losses", "value", "weights"}, set())
    close = comparison(header, case)
    value, weights = step(GLS(), case["losses"])
    close(value, case["value"])
    close(weights, case["weights"])


def stch(header: Case, case: Case) -> None:
    variants = {"scalarization": smooth_tchebycheff, "mtl": stch_mtl}
    variants[case["params"]["variant"]](case, comparison(header, case))


def smooth_tchebycheff(case: Case, close: Close) -> None:
    known(case, {"losses", "value", "gradient"}, {"variant", "mu", "weights", "reference"})
    params = case["params"]
    balancer = SmoothTchebycheff(
        mu=params["mu"],
        preference=by_name(params["weights"]),
        reference=by_name(params["reference"]),
    )
    value, gradient = step(balancer, case["losses"])
    close(value, case["value"])
    close(gradient, case["gradient"])


def stch_mtl(case: Case, close: Close) -> None:
    known(
        case,
        {"epoch_of_step", "losses_steps", "gradient_steps", "nadir"},
        {"variant", "mu", "warmup_epoch"},
    )
    balancer = STCH(mu=case["params"]["mu"], warmup_epoch=case["params"]["warmup_epoch"])
    for number, values in enumerate(case["losses_steps"]):
        gradient = step(balancer, values, epoch=case["epoch_of_step"][number])[1]
        close(gradient, case["gradient_steps"][number])
    close(balancer.nadir.mean.get(names(values), ZERO), case["nadir"])


METHODS: dict[str, Adapter] = {
    "DWA": dwa,
    "FAMO": famo,
    "GLS": gls,
    "GO4Align": go4align,
    "IGB v1": igb,
    "IMTL-L": imtl_l,
    "RLW": rlw,
    "SLAW": slaw,
    "STCH": stch,
    "Uncertainty weighting": uncertainty_weights,
}
