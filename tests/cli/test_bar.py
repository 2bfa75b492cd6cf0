import pytest

from plait.cli.bar import reading


def test_nothing_is_shown_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with reading("t.csv") as progress:
        progress(1, 2)
        progress(2, 2)
    assert capsys.readouterr() == ("", "")
