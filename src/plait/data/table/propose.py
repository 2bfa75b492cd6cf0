"""A first look at a table: which columns to read, which to predict, which to leave out, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from plait.core.columns import MEDIA
from plait.core.errors import DataError, unknown
from plait.data.files import Store
from plait.data.table.described import PLACED, with_options
from plait.data.table.giveaways import GiveAway, give_aways
from plait.data.table.kinds import Guess, GuessedKind, guess
from plait.data.table.media_kinds import media_guesses, unmoved
from plait.data.table.patterns import FEWEST, fitting_columns, pattern_of, stem
from plait.data.table.remarks import FEW_VALUES, number_of_values, remark
from plait.data.table.roles import (
    is_group,
    is_split_by_name,
    is_weight,
    likely_targets,
    numbers_classes,
    split_words,
)
from plait.data.table.splits import SPLITS

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["input", "target", "split", "exclude"]

PREDICTABLE = ("number", "category", "yes/no", "tags", "numbers", *PLACED)


@dataclass(frozen=True)
class Entry:
    """A column, or several of like names, with what is proposed for it.

    Attributes:
        name: of the column, or a pattern that stands for several.
        role: "input", "target", "split" or "exclude".
        kind: what it holds.
        comment: what was found in it; for "exclude" the reason.
        options: beside the kind, in the words of a configuration.
        columns: the names of all columns that a pattern stands for; else the name alone.
    """

    name: str
    role: Role
    kind: GuessedKind
    comment: str
    options: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """Roles and kinds of all columns of a table, as proposed.

    Attributes:
        rows: of the table.
        entries: of all columns, in their order.
        named: whether the targets were named by the user; else they are a guess as well.
    """

    rows: int
    entries: tuple[Entry, ...]
    named: bool

    def of(self, role: Role) -> list[Entry]:
        """Returns the entries of a role."""
        return [entry for entry in self.entries if entry.role == role]

    @property
    def columns(self) -> int:
        """The number of the table's columns."""
        return sum(len(entry.columns) for entry in self.entries)

    def without(self, option: str) -> Proposal:
        """Returns the proposal without an option of its columns, such as `augment`."""
        entries = [
            replace(entry, options={k: v for k, v in entry.options.items() if k != option})
            for entry in self.entries
        ]
        return replace(self, entries=tuple(entries))

    @property
    def settings(self) -> dict[str, Any]:
        """The proposal as the settings of a run: `split`, `inputs`, `tasks` and `exclude`."""
        found: dict[str, Any] = {
            "inputs": {
                entry.name: with_options(entry.kind, entry.options) for entry in self.of("input")
            },
            "tasks": {e.name: {"kind": e.kind, **e.options} for e in self.of("target")},
            "exclude": {entry.name: entry.comment for entry in self.of("exclude")},
        }
        for entry in self.of("split"):
            found["split"] = entry.name
        return found if found["exclude"] else {k: v for k, v in found.items() if k != "exclude"}


def propose(
    frame: pd.DataFrame, targets: Sequence[str] | None = None, store: Store | None = None
) -> Proposal:
    """Looks at every column of a table and proposes what to do with it.

    Left out are columns that nothing can be learnt from (empty, constant, a word of its own for
    each row), that give a target away, or that number patients and the like by name.

    Args:
        frame: the table, as `read_table` or the user gives it.
        store: the files that its cells may name; none by default.
        targets: the columns to predict, or patterns of them. By default masks, maps and tags of
            tokens, and those with a name such as target, class, price or quality, else the last.

    Raises:
        DataError: the table is empty, two columns have one name, or a target is no column of the
            table or holds nothing that can be predicted.
    """
    from plait.data.table.frames import own_frame

    frame = own_frame(frame, "the table")
    names = list(map(str, frame))
    named = [name for each in targets or () for name in fitting_columns(each, names)]
    media = media_guesses(frame, store, named if targets else None)
    guesses = {name: media.get(name) or guess(frame[name]) for name in map(str, frame)}
    split = next((name for name in guesses if split_words(frame[name]) is not None), None)
    wanted = _wanted(targets, guesses, split)
    guesses = unmoved(guesses, wanted)
    reasons = _reasons(frame, guesses, {*wanted, split})
    inputs = [
        name for name in guesses if name not in reasons and name not in wanted and name != split
    ]
    kinds = {
        name: "category" if numbers_classes(frame[name]) else guesses[name].kind for name in wanted
    }
    remarks: dict[str, GiveAway] = {}
    told = [name for name in inputs if guesses[name].kind not in MEDIA]
    kinds = {name: kind for name, kind in kinds.items() if kind not in PLACED}
    for finding in give_aways(frame, told, kinds):
        if finding.whole:
            reasons.setdefault(finding.column, finding.sentence)
        remarks.setdefault(finding.column, finding)
    entries = [
        _entry(frame[name], found, name in wanted, name == split, reasons, remarks)
        for name, found in guesses.items()
    ]
    return Proposal(len(frame), tuple(_joined(entries)), bool(targets))


def _wanted(
    targets: Sequence[str] | None, guesses: Mapping[str, Guess], split: str | None
) -> list[str]:
    """Returns the columns to predict, in the order of the table."""
    if not targets:
        usable = [
            name
            for name, found in guesses.items()
            if found.kind in PREDICTABLE and name != split and not is_weight(name)
        ]
        placed = [name for name in usable if guesses[name].kind in PLACED]
        rest = [name for name in usable if name not in placed]
        chosen = {*placed, *likely_targets(rest, sure=bool(placed))}
        return [name for name in usable if name in chosen]
    for target in targets:
        if not fitting_columns(target, list(guesses)):
            raise DataError(unknown("column of the table", target, guesses))
    fitting = {name for target in targets for name in fitting_columns(target, list(guesses))}
    wanted = [name for name in guesses if name in fitting]
    for name in wanted:
        found = guesses[name]
        if found.kind not in PREDICTABLE:
            why = found.reason or f"a {found.kind}"
            raise DataError(
                f"column {name!r} cannot be predicted: {why}. Name another, or correct its values."
            )
    return wanted


def _reasons(
    frame: pd.DataFrame, guesses: Mapping[str, Guess], leave: set[str | None]
) -> dict[str, str]:
    """Returns why columns are left out, for those that are."""
    found = {}
    for name, own in guesses.items():
        if name in leave:
            continue
        if own.kind == "exclude":
            found[name] = own.reason
        elif own.bounded and number_of_values(frame[name], own) > FEW_VALUES:
            found[name] = "numbers and bounds such as >10, which a target may have, an input not"
        elif is_split_by_name(name) and number_of_values(frame[name], own) <= FEW_VALUES:
            found[name] = "splits, by its name; say what its values stand for under `split`"
        elif is_weight(name):
            found[name] = "a weight of each row, by its name"
        elif is_group(name) and number_of_values(frame[name], own) > FEW_VALUES:
            found[name] = (
                "what rows belong to, by its name; `split: {group: NAME}` keeps these together"
            )
    return found


def _entry(
    series: pd.Series[Any],
    found: Guess,
    predicted: bool,
    splits: bool,
    reasons: Mapping[str, str],
    remarks: Mapping[str, GiveAway],
) -> Entry:
    name = str(series.name)
    one = Entry(name, "input", found.kind, "", found.options, (name,))
    if splits:
        return replace(one, role="split", comment=_on_splits(series), options={})
    if predicted:
        return replace(one, role="target", **_as_target(series, found))
    if name in reasons:
        return replace(one, role="exclude", comment=reasons[name], options={})
    if found.bounded:  # few different ones, as in "1", "2", ">2"
        found = replace(found, kind="category", bounded=False)
        one = replace(one, kind="category", options={})
    if found.kind == "category":  # there "?" is a word like others until the user says otherwise
        comment = remark(series, replace(found, missing=()))
        if found.missing:
            words = ", ".join(map(repr, found.missing))
            comment += f"; perhaps {{kind: category, missing: [{words}]}}"
    else:
        comment = remark(series, found)
    if name in remarks:
        comment += f"; {remarks[name].sentence}"
    return replace(one, comment=comment)


def _on_splits(series: pd.Series[Any]) -> str:
    counts = split_words(series) or {}
    words = [f"{split} {counts[split]:,}" for split in SPLITS if split in counts]
    absent = [f"{split} is taken from train" for split in SPLITS if split not in counts]
    return ", ".join([*words, *absent])


def _as_target(series: pd.Series[Any], found: Guess) -> dict[str, Any]:
    """Returns the options and the comment of a target."""
    if found.kind == "number" and numbers_classes(series):
        comment = f"{remark(series, replace(found, kind='category'))}; or kind: number"
        return {"kind": "category", "comment": comment}
    comment, options = remark(series, found), dict(found.options)
    if found.kind in PLACED:
        return {"comment": comment, "options": options}
    if found.missing:  # a class of its own for rows without a label helps nobody
        options["missing"] = list(found.missing)
    if found.bounded:
        options["bounded"] = True
    values = number_of_values(series, found)
    if found.kind == "category" and values == 2:
        words = series.dropna().astype(str).str.strip()
        rare = str(words[~words.isin([*found.missing, ""])].value_counts().index[-1])
        told = f"{comment}; kind: category would measure accuracy"
        return {"kind": "yes/no", "comment": told, "options": {"positive": rare, **options}}
    if found.kind == "number" and values <= min(FEW_VALUES, len(series) / 3):
        comment += f", {values} values; kind: category would predict each as a class"
    return {"comment": comment, "options": options}


def _joined(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Puts a pattern in place of many columns of inputs that have like names and one kind."""
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        if entry.role == "input" and stem(entry.name) is not None:
            key = (stem(entry.name), entry.kind, str(entry.options))
            groups.setdefault(key, []).append(entry)
    joined: dict[str, Entry | None] = {}
    for group in groups.values():
        names = [entry.name for entry in group]
        others = {e.name for e in entries if e.role == "input"} - set(names)
        pattern = pattern_of(names, others) if len(group) >= FEWEST else None
        if pattern is not None:
            words = f"{len(names)} columns; {names[0]}: {group[0].comment}"
            whole = replace(group[0], name=pattern, comment=words, columns=tuple(names))
            joined |= dict.fromkeys(names) | {names[0]: whole}
    for entry in entries:
        new = joined.get(entry.name, entry)
        if new is not None:
            yield new
