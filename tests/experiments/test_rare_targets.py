"""A table of rare pixels and tags gets the options for them when it is first looked at."""

from pathlib import Path

import numpy as np
from PIL import Image

from plait.data.files import Store
from plait.data.table import propose
from plait.experiments.rare_targets import with_rare_options
from plait.tasks.labels.rare import OPTIONS
from tests.recipes.media_tables import media_table


def test_rare_classes_are_told_and_common_ones_are_left(tmp_path: Path) -> None:
    frame = media_table(tmp_path, side=40)
    store = Store(tmp_path)
    names = ["outline", "parts"]
    common = with_rare_options(propose(frame, names, store), frame, store).settings["tasks"]
    assert not any(OPTIONS.keys() & task.keys() for task in common.values())
    for path in frame["outline"]:
        mask = np.zeros((40, 40), np.uint8)
        mask[3, 4:7] = 255
        Image.fromarray(mask).save(tmp_path / path)
    frame["parts"] = [" ".join(["O"] * len(tags.split())) for tags in frame["parts"]]
    frame.loc[3, "parts"] = frame.loc[3, "parts"].replace("O", "THING", 1)
    found = with_rare_options(propose(frame, names, store), frame, store)
    tasks = found.settings["tasks"]
    assert tasks["outline"]["foreground"] and tasks["outline"]["dice"] == OPTIONS["dice"]
    assert tasks["parts"]["class_weights"] == OPTIONS["class_weights"]
    (outline,) = [entry for entry in found.entries if entry.name == "outline"]
    assert "all but one class have 0.19% of the labels" in outline.comment
