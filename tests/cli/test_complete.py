"""Shell completion: what a shell is told while a command is typed."""

import subprocess
import sys
from pathlib import Path

import pytest

from plait.cli.app import app
from plait.cli.complete import answer
from plait.core.families import FAMILIES
from plait.core.lookup import listed
from tests.cli.shell import plait

COMMANDS = [
    "demo",
    "advise",
    "compare",
    "init",
    "explain",
    "diagnose",
    "train",
    "tune",
    "predict",
    "evaluate",
    "report",
    "doctor",
    "reproduce",
    "list",
]


def bash(*words: str) -> list[str]:
    """The candidates for the last word, as bash asks for them: its words end at every `=`."""
    environ = {
        "_PLAIT_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(["plait", *words]),
        "COMP_CWORD": str(len(words)),
    }
    text, code = answer(app, environ)
    assert code == 0
    return text.splitlines()


def line(shell: str, typed: str, **more: str) -> tuple[str, int]:
    environ = {"_PLAIT_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": typed, **more}
    return answer(app, environ)


def test_commands() -> None:
    assert bash("") == COMMANDS
    assert bash("tr") == ["train"]
    assert bash("x") == []


def test_flags() -> None:
    assert bash("train", "--o") == ["--out"]
    assert {"--from", "--resume", "--json", "--help"} <= set(bash("train", "-"))
    assert bash("demo", "--fam") == ["--families"]
    assert bash("--") == ["--version", "--install-completion", "--show-completion", "--help"]


def test_recipes_and_families() -> None:
    assert bash("train", "dig") == ["digits", "digits-everywhere"]
    assert "oxford-pets" in bash("train", "")
    assert bash("list", "") == list(FAMILIES)
    assert bash("list", "bal") == ["balancing"]


def test_settings_and_their_methods() -> None:
    assert bash("train", "digits", "bal") == ["balancing="]
    assert bash("train", "digits", "balancing", "=", "UP") == ["UPGrad"]
    assert bash("train", "digits", "sharing", "=") == listed(FAMILIES["sharing"])
    assert bash("train", "digits", "epochs", "=", "") == []
    assert bash("train", "digits", "sharing.by", "=", "Lo") == ["LoRA"]
    assert bash("demo", "con") == ["connections="]


def test_other_shells_take_a_setting_as_one_word() -> None:
    assert line("zsh", "plait train digits balancing=UP")[0] == (
        "_arguments '*: :((\"balancing=UPGrad\"))'"
    )
    assert line("zsh", "plait train digits epochs=")[0] == "_files"
    fish = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    assert line("fish", "plait tr", **fish) == ("train", 0)
    assert line("fish", "plait tr", _TYPER_COMPLETE_FISH_ACTION="is-args") == ("", 0)
    assert line("fish", "plait report r", _TYPER_COMPLETE_FISH_ACTION="is-args") == ("", 1)
    asked = {"_TYPER_COMPLETE_WORD_TO_COMPLETE": "tr"}
    assert line("powershell", "plait tr", **asked) == ("train::: ", 0)
    assert line("fish", "plait 'tr", **fish) == ("", 0)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_asks_in_the_way_that_is_answered(
    shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typer writes the script; what it sets is what the answer reads."""
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: shell)
    ran = plait("--show-completion")
    assert ran.code == 0
    assert f"_PLAIT_COMPLETE=complete_{shell}" in ran.out
    assert ("COMP_WORDS" if shell == "bash" else "_TYPER_COMPLETE_ARGS") in ran.out


def test_completion_loads_neither_torch_nor_pydantic(tmp_path: Path) -> None:
    code = """
import os, sys
os.environ |= {
    "_PLAIT_COMPLETE": "complete_bash",
    "COMP_WORDS": "plait\\ntrain\\ndigits\\nbalancing\\n=\\nUP",
    "COMP_CWORD": "5",
}
from plait.cli import main
try:
    main([])
finally:
    print({"torch", "numpy", "pydantic", "rich"} & sys.modules.keys())
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "UPGrad\nset()\n"


def test_files_of_settings_stand_beside_the_recipes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("census.yaml", "cars.yml", "cars.csv", "dogs.yaml"):
        (tmp_path / name).touch()
    assert bash("train", "c") == ["census-income", "combined", "cars.yml", "census.yaml"]
    assert bash("train", "cars.yml", "c") == ["connections="]
