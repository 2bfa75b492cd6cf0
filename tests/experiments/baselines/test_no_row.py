"""A row that says why it has no numbers."""

from plait.experiments.baselines.no_row import NoRow


def test_equal_reasons_are_equal() -> None:
    assert NoRow("the encoder has no width.") == NoRow("the encoder has no width.")
    assert NoRow("a") != NoRow("b")
