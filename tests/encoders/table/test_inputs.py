import pytest
import torch

from plait.core.columns import Column
from plait.encoders.table import Row, TableInputs

AGE = Column("age", "number", center=[40.0], scale=[10.0], missing=[0.2], edges=[[20.0, 60.0]])
SIZE = Column("size", "number", center=[1.0], scale=[2.0], missing=[0.0], edges=[[0.0, 2.0]])
KIND = Column("kind", "category", values=["a", "b"])
ROWS = {
    "age": [50.0, torch.nan, 30.0],
    "size": [3.0, 1.0, -1.0],
    "kind": [2.0, 0.0, 3.0],
}


@pytest.mark.parametrize(
    "columns", [[AGE], [SIZE], [KIND], [SIZE, KIND], [KIND, AGE, SIZE]], ids=len
)
def test_numbers_what_is_missing_and_vectors_stand_one_after_the_other(
    columns: list[Column],
) -> None:
    inputs = TableInputs(Row.of(columns))
    with torch.no_grad():
        for parameter in inputs.parameters():
            parameter.normal_()
    rows = torch.tensor([ROWS[column.name] for column in columns]).T
    found = inputs(rows)
    assert found.shape == (3, inputs.outputs)
    numbers = [column for column in columns if column.kind == "number"]
    for place, column in enumerate(numbers):
        values = torch.tensor(ROWS[column.name])
        expected = ((values - column.center[0]) / column.scale[0]).nan_to_num(0.0)
        torch.testing.assert_close(found[:, place], expected)
    torch.testing.assert_close(found[:, : inputs.numbers(rows).shape[1]], inputs.numbers(rows))
    if KIND in columns:
        vectors = inputs.categories(inputs.codes(rows))
        torch.testing.assert_close(found[:, -vectors.shape[1] :], vectors)
