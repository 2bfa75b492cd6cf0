"""Roles of columns by their names and values: which say the split, a weight, or are predicted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from plait.data.table.splits import WORDS

if TYPE_CHECKING:
    import pandas as pd

# A name that says that a column is predicted, wherever it stands; a number may follow, as in Y2.
_PREDICTED = re.compile(
    r"(?:target|label|class|outcome|response|y|survived|diagnosis|churn(?:ed)?)s?[ _-]?\d*"
    r"|.*[ _-](?:target|label|outcome)",
    re.I,
)
# A name that says so at the end of a table, where what is predicted usually stands.
_PREDICTED_IF_LAST = re.compile(
    r"(?:price|quality|score|rating|result|grade|income|visit|click(?:ed)?|conversion|spend"
    r"|revenue|sales|default|risk|yield|status)(?:[ _-].*)?",
    re.I,
)
_LAST = 3
_CLASSES = re.compile(
    r"(?:.*[ _-])?(?:class|label|target|species|type|kind|y)(?:es|s)?[ _-]?\d*", re.I
)
_MOST_CLASSES = 20
_SPLIT = re.compile(r"(?:data)?[ _]?(?:split|fold|partition|subset)s?", re.I)
_WEIGHT = re.compile(
    r"(?:instance|sample|survey|case|row|final)[ _-]?(?:weight|wgt)s?|fnlwgt", re.I
)
# A place in a picture; `y` and `y1` alone are what is predicted rather than that.
_COORDINATE = re.compile(
    r"(?:.*[\W_])?(?:x|[xy][ _-]?(?:min|max|center|centre|c)|c[xy]|left|right|top|bottom)[ _-]?\d*",
    re.I,
)
_GROUP = re.compile(r"(?:.*[\W_])?(?:id|subject|patient|household|session|participant)", re.I)


def split_words(series: pd.Series[Any]) -> dict[str, int] | None:
    """Counts the rows of each split if a column says the split of every row; else None."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(series) or series.isna().any():
        return None
    counts = series.value_counts()
    if len(counts) > len(WORDS):
        return None
    found: dict[str, int] = {}
    for word, count in counts.items():
        split = WORDS.get(str(word).strip().lower())
        if split is None:
            return None
        found[split] = found.get(split, 0) + int(count)
    return found if len(found) > 1 and "train" in found else None


def is_split_by_name(name: str) -> bool:
    """Whether a column's name says that it holds splits or folds."""
    return bool(_SPLIT.fullmatch(name))


def is_weight(name: str) -> bool:
    """Whether a column's name says that it weighs rows."""
    return bool(_WEIGHT.fullmatch(name))


def is_group(name: str) -> bool:
    """Whether a column's name says that it numbers what several rows belong to."""
    return bool(_GROUP.fullmatch(name) or re.search(r"[a-z](?:Id|ID)$", name))


def is_coordinate(name: str) -> bool:
    """Whether a column's name says that it is a place in a picture, as x0, box_ymax or left do."""
    return bool(_COORDINATE.fullmatch(name.strip()))


def numbers_classes(series: pd.Series[Any]) -> bool:
    """Whether a column's name and values say that it numbers classes: 0, 1, 2 or 1, 2, 3, ..."""
    import pandas as pd

    if not (pd.api.types.is_numeric_dtype(series) and _CLASSES.fullmatch(str(series.name).strip())):
        return False
    values = series.dropna().drop_duplicates()
    if not 3 <= len(values) <= _MOST_CLASSES:
        return False
    first = int(values.min() == 1)
    return sorted(values) == list(range(first, first + len(values)))


def likely_targets(names: Sequence[str], *, sure: bool = False) -> list[str]:
    """Chooses the columns that are most likely predicted, by their names, else the last.

    Args:
        names: of the columns that can be predicted, in their order.
        sure: leaves out the last where only its place speaks for it.
    """
    named = [name for name in names if _PREDICTED.fullmatch(name.strip())]
    if named:
        return named
    for place, name in enumerate(names[-_LAST:]):
        if _PREDICTED_IF_LAST.fullmatch(name.strip()):
            return list(names[-_LAST:][place:])
    return [] if sure else list(names[-1:])
