"""Golden cases of the methods that read the Gramian."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from plait.balancing import GramianBalancer, PCGrad, UPGrad
from tests.balancing.adapters import alignment, sequences
from tests.balancing.adapters.files import Adapter, Case, jacobian_of, refuse_unknown

EXPECTED = {"id", "input", "J", "params", "weights", "weights_unique", "vector", "tol"}


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
        refuse_unknown(case, EXPECTED | {*self.draws}, "fields")
        refuse_unknown(case["params"], {*self.options}, "parameters")
        jacobian = jacobian_of(case)
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


METHODS: dict[str, Adapter] = {
    **alignment.METHODS,
    **sequences.METHODS,
    "PCGrad": OfGramian(PCGrad, draws=("orders",)),
    "UPGrad": OfGramian(UPGrad, {"pref": "preference"}),
}
