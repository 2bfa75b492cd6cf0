"""Miniatures of the known tables in their original layout; the real ones where they are at hand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plait import recipes
from plait.core.lookup import kebab
from plait.recipes import Table
from tests.recipes.table_folders import REAL

ROWS = 60
KNOWN = {
    kebab(name): cls
    for name in recipes.__all__
    if isinstance(cls := getattr(recipes, name), type) and issubclass(cls, Table) and cls.file
}
FOLDERS = {  # of the real data
    "adult": "adult",
    "census-income": "census-income-kdd",
    "energy": "energy-efficiency",
    "hillstrom": "hillstrom-email",
    "sarcos": "sarcos",
    "tox21": "tox21",
    "wine": "wine-quality",
    "yeast": "yeast",
}

ADULT = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,"
    "capital_gain,capital_loss,hours_per_week,native_country,income,split"
)
CENSUS = (
    "age,class_worker,det_ind_code,det_occ_code,education,wage_per_hour,hs_college,marital_stat,"
    "major_ind_code,major_occ_code,race,hisp_origin,sex,union_member,unemp_reason,"
    "full_or_part_emp,capital_gains,capital_losses,stock_dividends,tax_filer_stat,"
    "region_prev_res,state_prev_res,det_hh_fam_stat,det_hh_summ,instance_weight,mig_chg_msa,"
    "mig_chg_reg,mig_move_reg,mig_same,mig_prev_sunbelt,num_emp,fam_under_18,country_father,"
    "country_mother,country_self,citizenship,own_or_self,vet_question,vet_benefits,weeks_worked,"
    "year,income_50k,split"
)
ENERGY = "Relative_compactness,X1,X3,X4,X5,X6,X7,X8,Y1,Y2,split"
HILLSTROM = (
    "recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,"
    "spend,split"
)
WINE = (
    "fixed_acidity,volatile_acidity,citric_acid,residual_sugar,chlorides,free_sulfur_dioxide,"
    "total_sulfur_dioxide,density,pH,sulphates,alcohol,quality,colour,split"
)


def real(name: str) -> Path:
    """The folder of a real table; skips the test that asks where it is not on this machine."""
    folder = REAL / FOLDERS[name]
    if not (folder / KNOWN[name].file).is_file():
        pytest.skip(f"the {name} data are not in {REAL}; name their folder with PLAIT_DATA")
    return folder


def miniature(name: str, folder: Path) -> Path:
    """Writes a miniature of a known table into a folder, and returns the folder."""
    made = MADE[name](np.random.default_rng(0))
    path = folder / KNOWN[name].file
    if isinstance(made, pd.DataFrame):
        made.to_csv(path, index=False)
    else:
        np.savez_compressed(path, **made)
    if name == "tox21":
        np.savez(folder / "scaffold_split.npz", split=made["split"][::-1])
    return folder


def adult(random: np.random.Generator) -> pd.DataFrame:
    frame = _frame(
        ADULT,
        random,
        age=random.integers(17, 80, ROWS),
        workclass=random.choice(["Private", "?", "State-gov"], ROWS),
        marital_status=random.choice(["Never-married", "Divorced", "Widowed"], ROWS),
        native_country=random.choice(["United-States", "?", "Mexico"], ROWS),
        split=np.where(np.arange(ROWS) < 42, "train", "test"),
    )
    return frame.assign(income=np.where(frame["age"] > 45, ">50K", "<=50K"))


def census_income(random: np.random.Generator) -> pd.DataFrame:
    frame = _frame(
        CENSUS,
        random,
        marital_stat=random.choice(["Never married", "Divorced"], ROWS),
        mig_chg_msa=random.choice(["?", "Nonmover"], ROWS),
        race=random.choice(["White", "Black"], ROWS),
    )
    return frame.assign(income_50k=(frame["weeks_worked"] > 26).astype(int))


def energy(random: np.random.Generator) -> pd.DataFrame:
    frame = _frame(ENERGY, random)
    return frame.assign(Y1=frame["X5"] + 0.5, Y2=frame["X5"] + 1.25)


def hillstrom(random: np.random.Generator) -> pd.DataFrame:
    visit = random.integers(0, 2, ROWS)
    conversion = visit * random.integers(0, 2, ROWS)
    return _frame(
        HILLSTROM,
        random,
        history_segment=random.choice(["1) $0 - $100", "2) $100 - $200"], ROWS),
        channel=random.choice(["Web", "Phone"], ROWS),
        segment=random.choice(["No E-Mail", "Mens E-Mail"], ROWS),
        mens=random.integers(0, 2, ROWS),
        visit=visit,
        conversion=conversion,
        spend=conversion * random.integers(10, 200, ROWS) * 1.0,
    )


def wine(random: np.random.Generator) -> pd.DataFrame:
    frame = _frame(WINE, random, quality=random.integers(3, 10, ROWS))
    return frame.assign(colour=np.where(frame["chlorides"] > 26, "red", "white"))


def yeast(random: np.random.Generator) -> pd.DataFrame:
    inputs = {f"Att{n}": random.normal(size=ROWS).round(6) for n in range(1, 104)}
    labels = {f"Class{n}": random.integers(0, 2, ROWS) for n in range(1, 15)}
    split = np.where(np.arange(ROWS) < 42, "train", "test")
    return pd.DataFrame({**inputs, **labels, "split": split})


def sarcos(random: np.random.Generator) -> dict[str, Any]:
    x = random.normal(size=(ROWS, 21)).astype(np.float32)
    return {"x": x, "y": 3 * x[:, :7] + 1, "split": _split().astype(np.uint8)}


def tox21(random: np.random.Generator) -> dict[str, Any]:
    return {
        "fp_packed": random.integers(0, 256, (ROWS, 128)).astype(np.uint8),
        "labels": random.choice([0, 1, 255], (ROWS, 12), p=[0.4, 0.4, 0.2]).astype(np.uint8),
        "split": _split().astype(np.uint8),
    }


MADE: Mapping[str, Callable[[np.random.Generator], Any]] = {
    "adult": adult,
    "census-income": census_income,
    "energy": energy,
    "hillstrom": hillstrom,
    "sarcos": sarcos,
    "tox21": tox21,
    "wine": wine,
    "yeast": yeast,
}


def _split() -> Any:
    return np.resize([0, 0, 0, 1, 2], ROWS)


def _frame(header: str, random: np.random.Generator, **columns: Any) -> pd.DataFrame:
    """Makes a table of the columns of a header: whole numbers but for those that are given."""
    split = np.array(["train", "val", "test"])[_split()]
    given = {"split": split, **columns}
    names = header.split(",")
    return pd.DataFrame(
        {name: given.get(name, random.integers(0, 52, ROWS)) for name in names}, columns=names
    )
