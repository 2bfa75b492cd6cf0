"""Every golden case: weights and vectors that the authors' code or exact arithmetic gave.

`tests/reference/balancers/README.md` explains the files. `PLAIT_REFERENCE` names another folder
with a `balancers` folder in it; a method or parameter that is unknown here fails.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from plait.balancing import GramianBalancer, Info, PCGrad, UncertaintyWeights, UPGrad

FOLDER = Path(os.environ.get("PLAIT_REFERENCE", Path(__file__).parents[1] / "reference"))
FILES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((FOLDER / "balancers").glob("*.json"))
}
CASES = [
    pytest.param(file, case, id=f"{name}-{case['id']}")
    for name, file in FILES.items()
    for case in file.get("cases", ())
]
Case = Mapping[str, Any]
EXPECTED = {"id", "input", "J", "params", "weights", "weights_unique", "vector", "tol"}


def is_information(key: str) -> bool:
    """What other implementations gave for the case, which is no target."""
    parts = ("torchjd", "LibMTL", "including_self", "peers", "second_solver", "gram_only")
    return any(part in key for part in parts)


@dataclass(frozen=True)
class OfGramian:
    """How to run the cases of a Gramian method.

    Attributes:
        method: its class.
        options: `{parameter in the file: argument of the class}`.
        draws: fields of a case that are given to `weights`.
    """

    method: type[GramianBalancer]
    options: Mapping[str, str] = field(default_factory=dict)
    draws: tuple[str, ...] = ()

    def __call__(self, header: Case, case: Case) -> None:
        assert header["compare"].startswith("|vector - expected|_2 <= tol * max_i |g_i|")
        unknown = [k for k in case if k not in EXPECTED | {*self.draws} and not is_information(k)]
        assert not unknown, f"unknown fields {unknown}"
        unknown = [key for key in case["params"] if key not in self.options]
        assert not unknown, f"unknown parameters {unknown}"

        jacobian = np.array(
            case["J"] if "J" in case else FILES["inputs"]["inputs"][case["input"]]["J"]
        )
        balancer = self.method(**{self.options[k]: v for k, v in case["params"].items()})
        draws = {name: case[name] for name in self.draws}
        weights = balancer.weights(torch.from_numpy(jacobian @ jacobian.T), **draws).numpy()

        norms = np.linalg.norm(jacobian, axis=1)
        error = np.linalg.norm(weights @ jacobian - np.array(case["vector"]))
        assert error <= case["tol"] * norms.max()
        assert (weights[norms == 0] == 0).all()  # a row of zeros is dropped, whatever its weight
        if case["weights_unique"]:
            expected = np.array(case["weights"])
            np.testing.assert_allclose(weights[norms > 0], expected[norms > 0], rtol=1e-7)


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


METHODS: dict[str, Callable[[Case, Case], None]] = {
    "PCGrad": OfGramian(PCGrad, draws=("orders",)),
    "UPGrad": OfGramian(UPGrad, {"pref": "preference"}),
    "Uncertainty weighting": uncertainty_weights,
}


@pytest.mark.reference
@pytest.mark.parametrize(("file", "case"), CASES)
def test_case(file: Case, case: Case) -> None:
    assert file["format"] == 1
    method = file["method"]
    assert method in METHODS, f"the method {method!r} is not in plait, or has no adapter here"
    METHODS[method]({key: value for key, value in file.items() if key != "cases"}, case)


@pytest.mark.reference
def test_there_are_cases_of_every_method() -> None:
    found = {file["method"] for file in FILES.values() if "cases" in file}
    assert set(METHODS) <= found
