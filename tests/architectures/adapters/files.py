"""The golden files of architectures; `tests/reference/architectures/README.md` explains them."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

FOLDER = Path(os.environ.get("PLAIT_REFERENCE", Path(__file__).parents[2] / "reference"))
FILES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((FOLDER / "architectures").glob("*.json"))
}
Case = Mapping[str, Any]
Keys = tuple[str, ...]


class Golden:
    """One case: its parts as tensors, and a check of each expected value.

    Args:
        case: a case of a file.
        dtype: in which it is computed; float64 is compared at the case's own tolerance, float32 at
            1e-5 of the largest expected value.

    An adapter has to `check`, or `skip` with a reason, every entry of `case["expected"]`, and to
    `read` (or `config`) what it was told; `finish` fails for what it left out.
    """

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        self.case = case
        self.dtype = dtype
        self.params, self.inputs = case["params"], case["inputs"]
        self.config: Mapping[str, Any] = case["config"]
        self._open = set(_leaves(case["expected"]))

    def tensor(self, values: Any) -> Tensor:
        """Nested lists as a tensor in the dtype of the test."""
        return torch.tensor(values, dtype=self.dtype)

    def know(self, *keys: str) -> None:
        """Fails if the configuration has a key that the adapter does not know."""
        unknown = set(self.config) - set(keys)
        assert not unknown, f"unknown configuration {unknown} in {self.case['id']}"

    def expected(self, *path: str) -> Any:
        """The expected value at a path, as it is in the file."""
        value = self.case["expected"]
        for key in path:
            value = value[key]
        return value

    def check(self, found: Any, *path: str, rtol: float = 0.0, atol: float = 0.0) -> None:
        """Compares a tensor, number, list or dict of them with what is expected at `path`.

        Args:
            found: the computed value, in the structure of the file.
            path: keys into `expected`.
            rtol: in place of the case's own, if larger (a file says so for some values).
            atol: likewise.
        """
        expected = self.expected(*path)
        self._open -= {leaf for leaf in self._open if leaf[: len(path)] == path}
        self._compare(found, expected, path, rtol, atol)

    def skip(self, *path: str, reason: str) -> None:
        """Leaves an entry out, for a reason: text, or what another entry holds already."""
        assert reason
        self._open -= {leaf for leaf in self._open if leaf[: len(path)] == path}

    def finish(self) -> None:
        """Fails for an expected number that was not compared."""
        assert not self._open, f"{self.case['id']}: never compared {sorted(self._open)}"

    def _compare(self, found: Any, expected: Any, path: Keys, rtol: float, atol: float) -> None:
        if isinstance(expected, Mapping):
            assert isinstance(found, Mapping)
            assert set(found) == set(expected), path
            for key, value in expected.items():
                self._compare(found[key], value, (*path, key), rtol, atol)
            return
        if isinstance(found, list | tuple):
            assert len(found) == len(expected), path
            for part, value in zip(found, expected, strict=True):
                self._compare(part, value, path, rtol, atol)
            return
        wanted = torch.tensor(expected, dtype=torch.float64)
        value = torch.as_tensor(found).detach().double()
        assert value.shape == wanted.shape, f"{path}: {value.shape}, not {wanted.shape}"
        tolerance = {
            "rtol": max(float(self.case["rtol"]), rtol),
            "atol": max(float(self.case["atol"]), atol),
        }
        if self.dtype == torch.float32:
            largest = float(wanted.abs().max()) if wanted.numel() else 0.0
            tolerance = {"rtol": 1e-5, "atol": max(1e-5 * max(largest, 1.0), atol)}
        torch.testing.assert_close(value, wanted, **tolerance, msg=lambda text: f"{path}: {text}")


def _leaves(expected: Any, path: Keys = ()) -> Iterator[Keys]:
    """The paths of the numbers; texts are explanations."""
    if isinstance(expected, Mapping):
        for key, value in expected.items():
            yield from _leaves(value, (*path, key))
    elif not isinstance(expected, str):
        yield path


Adapter = Callable[[Golden], None]
