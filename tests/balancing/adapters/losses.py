"""Golden cases of the methods that read the losses."""

from typing import Any

import torch

from plait.balancing import Info, UncertaintyWeights
from tests.balancing.adapters.files import Adapter, Case


def uncertainty_weights(header: Case, case: Case) -> None:
    """Replays the steps, with SGD on the log variances."""
    assert float(header["compare"]) == case["tol"]
    params = dict(case["params"])
    form, kinds, init, lr = (params.pop(key) for key in ("form", "kinds", "init", "lr"))
    assert params.pop("optimizer") == "SGD"
    assert not params, f"unknown parameters {list(params)}"

    # "doubled" is an implementation that minimises twice the regression form
    factor = 2.0 if form == "doubled" else 1.0
    kinds = ["regression" if kind == "doubled" else kind for kind in kinds]
    tasks = tuple(f"task {position}" for position in range(len(kinds)))
    per_task = dict(zip(tasks, kinds, strict=True))
    balancer = UncertaintyWeights(
        form=per_task if form == "mixed" else kinds[0], init=init, tasks=tasks
    ).double()
    learned = [balancer.get_parameter(name) for name, _ in balancer.named_parameters()]
    optimizer = torch.optim.SGD(learned, lr=lr)

    def close(found: torch.Tensor, expected: Any) -> None:
        wanted = torch.tensor(expected, dtype=torch.float64)
        torch.testing.assert_close(found.detach(), wanted, rtol=0, atol=case["tol"])

    for step, values in enumerate(case["losses_steps"]):
        losses = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        total = factor * balancer.objective(losses, Info(tasks))
        optimizer.zero_grad()
        total.backward()
        close(total, case["total_steps"][step])
        assert losses.grad is not None
        close(losses.grad, case["weights_steps"][step])
        gradients = [s.grad for s in learned if s.grad is not None]
        close(torch.stack(gradients), case["grad_s_steps"][step])
        optimizer.step()
        close(torch.stack(learned), case["s_after_steps"][step])


METHODS: dict[str, Adapter] = {"Uncertainty weighting": uncertainty_weights}
