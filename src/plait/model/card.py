"""The model card: README.md of a model folder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def model_card(
    tasks: Sequence[str], config: Mapping[str, Any], metrics: Mapping[str, Mapping[str, float]]
) -> str:
    """Returns the model card in Markdown, with the front matter that model hubs read.

    Args:
        tasks: names of the tasks.
        config: the model's description, as config.json has it; sharing and encoder are told.
        metrics: `{task: {metric: value}}`; without any, the card has no table.
    """
    lines = [
        "---",
        "library_name: plait",
        "tags: [multi-task]",
        "---",
        "",
        "# A multi-task model",
        "",
    ]
    lines += [f"One model for {len(tasks)} task{'s' * (len(tasks) > 1)}: {', '.join(tasks)}.", ""]
    for part in ("sharing", "encoder"):
        described = config[part] or {"class": "a class of its own"}
        options = ", ".join(
            f"{key}={value!r}"
            for key, value in described.items()
            if key not in ("class", "columns")
        )
        lines.append(f"- {part}: `{described['class']}({options})`")
    columns = (config["encoder"] or {}).get("columns", ())
    if columns:
        read = ", ".join(f"{each['name']} ({each['kind']})" for each in columns)
        lines.append(f"- columns that it reads: {read}")
    if metrics:
        lines += ["", "| task | metric | value |", "| --- | --- | ---: |"]
        lines += [
            f"| {t} | {m} | {'undefined' if math.isnan(v) else f'{v:.4g}'} |"
            for t, each in metrics.items()
            for m, v in each.items()
        ]
    return "\n".join([*lines, "", *(_of_a_table() if columns else _of_inputs(tasks)), ""])


def _of_inputs(tasks: Sequence[str]) -> list[str]:
    """Returns the lines on how to predict."""
    return [
        "```python",
        "from plait import MultiTaskModel",
        "",
        'model = MultiTaskModel.from_pretrained("...")',
        "predictions = model.predict(inputs)",
        *(f"predictions[{task!r}].value" for task in tasks),
        "```",
        "",
        "`.value` is the class, the number in its unit, the mask or the tags of each example, and",
        "`.probabilities` are those of classes and labels.",
    ]


def _of_a_table() -> list[str]:
    """Returns the lines on how to predict the rows of a table."""
    return [
        "```python",
        "import plait",
        "",
        'run = plait.load("...")',
        "predictions = run.predict(table)",
        "```",
        "",
        "`table` is a frame of pandas or a file; `predictions` has a column for each task, and",
        "one for each probability.",
    ]
