from io import StringIO

from rich.console import Console

from plait.experiments.build.teller import teller
from plait.training import Callback, ProgressBar


def test_sentences_go_where_the_progress_is_shown() -> None:
    text = StringIO()
    say = teller([Callback(), ProgressBar(console=Console(file=text, width=20))])
    say("[a] sentence that is longer than the line")
    assert text.getvalue() == "[a] sentence that is longer than the line\n"
    teller([Callback()])("nothing")
