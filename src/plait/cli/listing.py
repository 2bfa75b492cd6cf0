"""Methods, options and settings on stdout: tables for people, JSON for programs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from plait.experiments.method_options import Setting

DETAILS = ("reads", "passes", "memory", "needs")  # of what a catalogue tells, what fits a table


def catalogue(found: Mapping[str, Mapping[str, Mapping[str, str]]], *, as_json: bool) -> None:
    """Shows what there is, by family; the details as well if it is one family."""
    if as_json:
        _json(found)
        return
    out = Console()
    for family, methods in found.items():
        details = [
            key for key in DETAILS if len(found) == 1 and all(key in m for m in methods.values())
        ]
        table = Table(title=family, title_justify="left", show_header=bool(details), box=None)
        shown = details or ["summary"]
        table.add_column("  name", no_wrap=True)  # nobody can guess the rest of a name
        for column in shown:
            table.add_column(column)
        for name, entry in methods.items():
            table.add_row(f"  {name}", *(Text(entry[key]) for key in shown))
        out.print(table)
        if details:
            out.print("What each does: plait list; options and paper of one: plait list NAME")


def entry(found: Mapping[str, Any], *, as_json: bool) -> None:
    """Shows one method: what it does, its options, and where it comes from."""
    if as_json:
        _json(found)
        return
    out = Console()
    out.print(Text.assemble((found["name"], "bold"), f" ({found['family']}): {found['summary']}"))
    rows = [
        (option, told["takes"], _value(told.get("default", ...)), told["meaning"])
        for option, told in found["options"].items()
    ]
    if rows:
        out.print(_options_table("option", rows))
    else:
        out.print("It has no options.")
    for key in (*DETAILS, "cost", "differs", "paper"):
        if found.get(key):
            out.print(Text.assemble((f"{key}: ", "bold"), found[key]))
    if found["setting"]:
        settings = [f"{found['setting']}={found['name']}"]
        settings += [f"{found['setting']}.{rows[0][0]}={rows[0][2] or '...'}"] if rows else []
        out.print(
            f"In a run: {' '.join(map(shlex.quote, settings))}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def settings(found: Sequence[Setting], *, as_json: bool) -> None:
    """Shows the settings of a run, with their values in this one."""
    if as_json:
        _json({each.key: _without_key(each) for each in found})
        return
    rows = [
        (each.key, each.takes, _value(each.default), each.meaning.partition(". ")[0])
        for each in found
    ]
    out = Console()
    out.print(_options_table("setting", rows))
    out.print(
        "Set any of them on the command line, KEY=VALUE, or in the YAML file of --config. The "
        "options of another method: name it here as well (sharing=MMoE), or `plait list MMoE`."
    )


def _options_table(first: str, rows: Sequence[tuple[str, str, str, str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first, overflow="fold", no_wrap=True)
    for column in ("takes", "default", "meaning"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _value(value: Any) -> str:
    """Returns a default as one would write it; nothing where there is none."""
    if value is ...:
        return ""
    plain = list(value) if isinstance(value, tuple) else value
    return json.dumps(plain, default=str).strip('"')


def _without_key(setting: Setting) -> dict[str, Any]:
    told = {**asdict(setting), "default": _value(setting.default)}
    return {name: each for name, each in told.items() if name != "key"}


def _json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))
