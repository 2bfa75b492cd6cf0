"""The model card."""

import math

from plait.model.card import model_card

CONFIG = {"sharing": None, "encoder": {"class": "ConvEncoder", "norm": True}}


def test_the_card_names_what_is_not_plaits_own() -> None:
    card = model_card(["a", "b"], CONFIG, {"a": {"mae": 0.123456}})
    assert "One model for 2 tasks: a, b." in card
    assert "- sharing: `a class of its own()`" in card
    assert "- encoder: `ConvEncoder(norm=True)`" in card
    assert "| a | mae | 0.1235 |" in card
    assert "| a | auroc | undefined |" in model_card(["a"], CONFIG, {"a": {"auroc": math.nan}})
    assert "| task |" not in model_card(["a"], CONFIG, {})
    assert "One model for 1 task: a." in model_card(["a"], CONFIG, {})


def test_the_card_of_a_table_names_its_columns_and_how_to_predict() -> None:
    columns = [{"name": "age", "kind": "number", "edges": [[1.0, 2.0]]}]
    config = {**CONFIG, "encoder": {"class": "TabularMLP", "columns": columns, "dropout": 0.0}}
    card = model_card(["a"], config, {})
    assert "- encoder: `TabularMLP(dropout=0.0)`" in card
    assert "- columns that it reads: age (number)" in card
    assert 'run = plait.load("...")' in card
    assert "from_pretrained" not in card
