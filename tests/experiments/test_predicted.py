import pandas as pd
import pytest
import torch

from plait.core.errors import ConfigError
from plait.experiments.predicted import predicted_columns
from plait.tasks import Binary, Classification, MultiLabel, Regression, Survival, Tagging

LOGITS = torch.tensor([[2.0, 0.0], [-1.0, 0.5]])


def test_each_kind_of_task_has_its_columns() -> None:
    found = {
        "size": Regression("size").decode(torch.tensor([[1.5], [2.0]])),
        "place": Regression("place", outputs=2).decode(LOGITS),
        "kind": Classification("kind", classes=2, names=["a", "b"]).decode(LOGITS),
        "number": Classification("number", classes=2).decode(LOGITS),
        "sold": Binary("sold", names=["no", "sold"]).decode(LOGITS[:, :1]),
        "tags": MultiLabel("tags", labels=2, names=["x", "y"]).decode(LOGITS - 0.1),
        "death": Survival("death", cuts=[6, 12.5]).decode(torch.zeros(2, 2)),
    }
    frame = predicted_columns(found, pd.Index(["r", "s"]))
    assert frame.index.tolist() == ["r", "s"]
    assert frame.columns.tolist() == [
        *("size", "place[0]", "place[1]", "kind", "kind=a", "kind=b"),
        *(
            "number",
            "number=0",
            "number=1",
            "sold",
            "sold=no",
            "sold=sold",
            "tags",
            "tags=x",
            "tags=y",
            "death",
            "death>6",
            "death>12.5",
        ),
    ]
    assert frame.loc["r", ["death>6", "death>12.5"]].tolist() == [0.5, 0.25]
    assert frame.loc["s", "death"] == 6 * 0.75 + 6.5 * 0.375
    assert frame.loc["s", ["size", "place[1]", "kind", "number"]].tolist() == [2.0, 0.5, "b", "1"]
    assert frame["sold"].tolist() == ["sold", "no"]
    assert frame["tags"].tolist() == ["x", "y"]
    shares = LOGITS.softmax(1)
    torch.testing.assert_close(torch.tensor(frame["kind=b"].to_numpy()), shares[:, 1])
    yes = LOGITS[:, 0].sigmoid()
    torch.testing.assert_close(torch.tensor(frame["sold=sold"].to_numpy()), yes)


def test_the_labels_of_many_rows() -> None:
    names = [f"label {number}" for number in range(11)]
    logits = torch.randn(3_000, 11, generator=torch.Generator().manual_seed(0)) - 1
    logits[:2] = -1  # no label
    frame = predicted_columns({"tags": MultiLabel("tags", labels=11, names=names).decode(logits)})
    expected = [";".join(n for n, on in zip(names, row, strict=True) if on) for row in logits > 0]
    assert frame["tags"].tolist() == expected


def test_no_column_of_predictions_is_lost() -> None:
    found = {
        "sold": Binary("sold").decode(LOGITS[:, :1]),
        "sold=no": Regression("sold=no").decode(LOGITS[:, :1]),
    }
    with pytest.raises(ConfigError, match="two tasks have a column 'sold=no'"):
        predicted_columns(found)


def test_a_sentence_has_as_many_tags_as_words() -> None:
    logits = torch.eye(2).repeat(2, 2, 1)[:, :3]
    found = {"tags": Tagging("tags", classes=2, names=["O", "X"]).decode(logits)}
    assert predicted_columns(found)["tags"].tolist() == ["O X O", "O X O"]
    assert predicted_columns(found, words=[2, 0])["tags"].tolist() == ["O X", ""]
