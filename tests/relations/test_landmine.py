"""On the fields of Landmine, a look ahead finds their two terrains; needs the data."""

import numpy as np

from benchmarks.terrains import FOLIATED, Fields, agreement, train
from plait.relations import choose_groups, tag_affinity
from tests.recipes.table_folders import real


def test_affinities_find_the_terrains() -> None:
    fields = Fields(real("landmine"))
    model, seen = train(fields, fields.names, 0, look=True)
    values = np.mean(seen, axis=0)
    terrain = np.arange(len(fields.names)) < FOLIATED
    same = terrain[:, None] == terrain
    others = ~np.eye(len(terrain), dtype=bool)
    assert values[same & others].mean() > 1.3 * values[~same].mean() > 0
    chosen = choose_groups(values, 2, tasks=fields.names, overlap=False)
    assert agreement(fields, chosen) >= 27 and not chosen.exact
    assert tag_affinity(model, [fields.batch(model, "val")]).tasks == tuple(fields.names)
