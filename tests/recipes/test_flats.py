"""The table of flats: what its columns say of each other."""

import numpy as np

from plait.recipes._flats import DISTRICTS, HEATING, flats


def test_the_same_arguments_make_the_same_table() -> None:
    assert flats(50, 3).equals(flats(50, 3))
    assert not flats(50, 3).equals(flats(50, 4))


def test_rents_follow_area_and_district() -> None:
    frame = flats(4000, 0).dropna(subset=["rent"])
    per_metre = frame["rent"] / frame["area"] ** 0.9
    medians = per_metre.groupby(frame["district"]).median()
    assert medians.sort_values().index.tolist() == sorted(DISTRICTS, key=DISTRICTS.__getitem__)
    assert np.corrcoef(np.log(frame["area"]), np.log(frame["rent"]))[0, 1] > 0.7


def test_new_houses_have_heat_pumps() -> None:
    frame = flats(4000, 0)
    built = frame["built"].groupby(frame["heating"]).median()
    assert built["heat pump"] > built["district heating"] > built["gas"]
    assert set(frame["heating"].dropna()) == set(HEATING)


def test_cells_of_inputs_and_targets_are_missing() -> None:
    missing = flats(4000, 0).isna().mean()
    for column, share in {"built": 0.1, "rent": 0.1, "heating": 0.25, "quick": 0.3}.items():
        assert abs(missing[column] - share) < 0.03
    assert missing[["area", "rooms", "district", "offered", "extras"]].sum() == 0
