"""Flats to let that nobody ever saw: a small table with columns of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plait.core.extras import need

if TYPE_CHECKING:
    import pandas as pd

DISTRICTS = {"harbour": 14.0, "old town": 16.0, "hill": 12.0, "station": 10.0, "garden city": 9.0}
EXTRAS = ("balcony", "garage", "garden", "lift")
HEATING = ("gas", "district heating", "heat pump")


def flats(rows: int, seed: int) -> pd.DataFrame:
    """Makes a table of flats; the same one for the same arguments.

    A rent follows from area, district, age and extras, with an error of 8 %; heating from the year
    of building and the district; whether a flat is let within a week, from how dear it is for what
    it is, and from the month. Some cells of each kind are missing.
    """
    pandas = need("pandas", extra="app", purpose="Making a table")
    generator = np.random.default_rng(seed)
    area = np.exp(generator.normal(4.2, 0.4, rows)).round()
    district = generator.choice(list(DISTRICTS), rows, p=[0.15, 0.2, 0.2, 0.25, 0.2])
    built = generator.integers(1900, 2025, rows)
    has = generator.random((rows, len(EXTRAS))) < 0.3
    days = pandas.Timestamp("2024-01-01") + pandas.to_timedelta(
        generator.integers(0, 365, rows), "D"
    )
    rate = np.array([DISTRICTS[each] for each in district]) * (1 + ((built - 1960) / 150) ** 2)
    fair = area**0.9 * rate * (1 + 0.06 * has.sum(axis=1))
    dear = generator.normal(0, 0.08, rows)
    modern = (built - 1975) / 15 + generator.normal(0, 0.7, rows)
    grid = np.where(np.isin(district, ["station", "garden city"]), 1.5, -0.5)
    summer = np.cos(2 * np.pi * (days.day_of_year.to_numpy() - 200) / 365)
    quick = (
        -12 * dear + 1.5 * summer + 0.5 * has.sum(axis=1) + generator.logistic(0, 0.5, rows) > 0.6
    )
    heating = np.where(modern > 2, 2, np.where(modern + grid > 0.5, 1, 0))
    frame: pd.DataFrame = pandas.DataFrame(
        {
            "area": area,
            "rooms": np.clip(np.round(area / 25 + generator.normal(0, 0.5, rows)), 1, 7),
            "district": district,
            "built": built.astype(float),
            "furnished": np.where(generator.random(rows) < 0.2, "yes", "no"),
            "offered": days.strftime("%Y-%m-%d"),
            "extras": [";".join(np.array(EXTRAS)[each]) for each in has],
            "rent": (fair * np.exp(dear)).round(),
            "heating": np.array(HEATING, dtype=object)[heating],
            "quick": np.where(quick, "yes", "no"),
        }
    )
    for column, share in {"built": 0.1, "rent": 0.1, "heating": 0.25, "quick": 0.3}.items():
        frame[column] = frame[column].mask(generator.random(rows) < share)
    return frame
