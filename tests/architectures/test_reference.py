"""Every golden case of sharing, regularization and connections, in both precisions.

`PLAIT_REFERENCE` names another folder with an `architectures` folder in it; a method, a
configuration or an expected value that is unknown here fails.
"""

import pytest
import torch

from tests.architectures.adapters import METHODS
from tests.architectures.adapters.files import FILES, Case, Golden

CASES = [
    pytest.param(case, id=f"{name}-{case['id']}")
    for name, file in FILES.items()
    for case in file["cases"]
]


@pytest.mark.reference
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
def test_case(case: Case, dtype: torch.dtype) -> None:
    method = case["method"]
    assert method in METHODS, f"the method {method!r} is not in plait, or has no adapter here"
    golden = Golden(case, dtype)
    METHODS[method](golden)
    golden.finish()


@pytest.mark.reference
def test_the_format_is_known() -> None:
    assert {file["format"] for file in FILES.values()} == {1}


@pytest.mark.reference
def test_there_are_cases_of_every_method() -> None:
    assert set(METHODS) <= {case["method"] for file in FILES.values() for case in file["cases"]}
