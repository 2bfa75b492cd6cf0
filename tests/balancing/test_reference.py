"""Every golden case: weights and vectors that the authors' code or exact arithmetic gave.

`tests/reference/balancers/README.md` explains the files. `PLAIT_REFERENCE` names another folder
with a `balancers` folder in it; a method or parameter that is unknown here fails.
"""

import pytest

from tests.balancing.adapters import METHODS
from tests.balancing.adapters.files import FILES, Case

CASES = [
    pytest.param(file, case, id=f"{name}-{case['id']}")
    for name, file in FILES.items()
    for case in file.get("cases", ())
]


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
