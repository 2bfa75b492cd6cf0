"""The settings of a run on a table as text with comments, as `plait init` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from plait.data.table.described import with_options

if TYPE_CHECKING:
    from plait.data.table.propose import Entry, Proposal

COMMENT_COLUMN = 32  # where comments begin, if what stands before them is shorter
LONGEST_KEY = 900  # YAML takes a key of more than 1,024 characters only after a question mark
_PLAIN = re.compile(r"\w(?:[\w ./()%+-]*[\w.)%])?")
MEANINGS = {
    "epochs": "at most; also: minutes: 3",
    "patience": "epochs without a better one after which training ends",
    "batch_size": "rows in a step; auto: 32 to 256, by the number of rows",
    "optimizer": "any of torch.optim",
    "scheduler": "any of torch.optim.lr_scheduler; this one halves the rate when validation stalls",
    "encoder": "or TabularMLP, which is smaller and faster",
}
FUSED = "an encoder for each input; {class: Fused, encoders: {COLUMN: {class: ...}}} names others"
_OTHER_WORDS = {"y", "n"}  # yes and no for other readers of YAML


def table_settings(
    proposal: Proposal,
    table: str,
    config: str,
    settings: Mapping[str, tuple[Any, str]] | None = None,
    *,
    streamed: int | None = None,
) -> str:
    """Writes a proposal for a table as a file of settings, with a comment for each line.

    Args:
        proposal: what `plait.data.table.propose.propose` has found.
        table: the path of the table, as the file of settings should name it.
        config: the name of the file of settings, for the comment on what to do next.
        settings: `{setting: (value, its meaning)}` of the run, which follow at the end.
        streamed: rows of a table that is to be streamed, of which the proposal knows a sample; None
            for any other.

    Returns:
        YAML that `yaml.safe_load` reads as the settings.
    """
    chosen = "" if proposal.named else " The tasks are a guess: name your own."
    rows = f"{proposal.rows:,} rows"
    if streamed is not None:
        rows = f"{streamed:,} rows, of which {proposal.rows:,} were looked at"
    lines = [
        f"# Written by `plait init {one_line(table)}`: {rows}, "
        f"{proposal.columns:,} columns. Check kinds and tasks, then: plait train "
        f"{one_line(config)}.{chosen}",
        _line("", "table", scalar(table), ""),
    ]
    if streamed is not None:
        lines.append(_line("", "stream", "true", "rows are read while the network trains on them"))
    lines += [_line("", "split", scalar(e.name), e.comment) for e in proposal.of("split")]
    if not proposal.of("split"):
        most = "" if streamed is None else ", at most 100,000 rows each"
        lines.append(
            f"# split: {{val: 0.15, test: 0.15}}  # by default{most}; or a column of train, val, "
            "test"
        )
    lines += _section("inputs", map(_input, proposal.of("input")), "columns that are read")
    lines += _section("tasks", map(_task, proposal.of("target")), "columns that are predicted")
    excluded = proposal.of("exclude")
    if excluded:
        reasons = [_line("  ", entry.name, scalar(entry.comment), "") for entry in excluded]
        lines += _section("exclude", reasons, "columns that are neither, with the reason")
    for name, (value, meaning) in (settings or {}).items():
        lines.append(_line("", name, scalar(value), meaning))
    return "\n".join(lines) + "\n"


def run_lines(defaults: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """Returns the settings that a table starts with, `{setting: (value, its meaning)}`.

    Args:
        defaults: those of the recipe; the ones without a meaning here are left out.
    """
    found = {name: (value, MEANINGS[name]) for name, value in defaults.items() if name in MEANINGS}
    if defaults.get("encoder") == {"class": "Fused"}:
        found["encoder"] = (defaults["encoder"], FUSED)
    return found


def scalar(value: Any) -> str:
    """Writes a value in one line of YAML, plain where every reader takes it as it is meant.

    Example:
        >>> print(scalar("alcohol"), scalar("no"), scalar("a: b"), scalar([1, "?"]))
        alcohol "no" "a: b" [1, "?"]
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {scalar(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(scalar, value)) + "]"
    if not isinstance(value, str):
        return (
            yaml.safe_dump(value, default_flow_style=True).removesuffix("\n").removesuffix("\n...")
        )
    plain = _PLAIN.fullmatch(value) and value.lower() not in _OTHER_WORDS
    if plain and yaml.safe_load(value) == value:
        return value
    quoted = yaml.safe_dump(value, default_style='"', allow_unicode=True, width=2**30)
    return quoted.removesuffix("\n")


def one_line(text: object) -> str:
    """Returns text without line breaks and control characters, fit for a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def _section(name: str, lines: Iterable[str], meaning: str) -> list[str]:
    listed = list(lines)
    if not listed:
        return [_line("", name, "{}", f"{meaning}: none was found")]
    return [_line("", name, "", meaning), *listed]


def _input(entry: Entry) -> str:
    value = with_options(entry.kind, entry.options)
    return _line("  ", entry.name, scalar(value), entry.comment)


def _task(entry: Entry) -> str:
    value = {"kind": entry.kind, **entry.options}
    return _line("  ", entry.name, scalar(value), entry.comment)


def _line(indent: str, key: str, value: str, comment: str) -> str:
    name = scalar(key)
    opened = f"{indent}{name}: {value}"
    if len(name) > LONGEST_KEY:
        opened = f"{indent}? {name}\n{indent}: {value}"
    opened = opened.rstrip()
    return f"{opened.ljust(COMMENT_COLUMN)}  # {one_line(comment)}" if comment else opened
