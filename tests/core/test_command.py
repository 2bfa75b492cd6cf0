"""The command as it is typed."""

import pytest

from plait.core.command import command


@pytest.mark.parametrize("program", ["/bin/plait", "/src/plait/__main__.py"])
def test_the_command_can_be_typed_again(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [program, "train", "my config.yaml", "epochs=3"])
    assert command() == "plait train 'my config.yaml' epochs=3"
