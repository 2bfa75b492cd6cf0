"""Errors of pydantic in the words of plait; more in test_config.py."""

from pydantic import BaseModel, ValidationError

from plait.experiments.refusal import no_list, refusal


class Settings(BaseModel, extra="forbid"):
    epochs: int = 1
    regularization: str | list[str] = ""


def test_all_that_is_wrong_is_told_in_one_message() -> None:
    given = {"epoch": 3, "epochs": "many"}
    try:
        Settings.model_validate(given)
    except ValidationError as error:
        found = str(refusal(map(dict, error.errors()), given, Settings.model_fields))
    assert "unknown setting 'epoch'. Did you mean 'epochs'?" in found
    assert "setting 'epochs'" in found
    assert len(found.splitlines()) == 2


def test_a_method_that_is_no_list_is_no_error_of_its_own() -> None:
    assert no_list({"type": "list_type", "loc": ("regularization", "list")})
    assert not no_list({"type": "list_type", "loc": ("tasks",)})
