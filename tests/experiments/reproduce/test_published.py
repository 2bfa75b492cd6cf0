"""Published tables are checked when they are declared."""

from dataclasses import replace

import pytest

from plait.experiments.reproduce.published import Row
from tests.experiments.reproduce.tiny_table import TABLE


@pytest.mark.parametrize(
    "rows",
    [
        (Row(name="joint", title="No single-task row"),),
        (Row(name="single", title="A"), Row(name="single", title="B")),
        (Row(name="single", title="Too few figures", published=(1.0,)),),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows: tuple[Row, ...]) -> None:
    with pytest.raises(ValueError, match="'tiny' do not fit"):
        replace(TABLE, rows=rows)
