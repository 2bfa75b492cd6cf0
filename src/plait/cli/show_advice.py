"""Advice on stdout: the recommendation last, where it is read first."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from plait.core.typed_json import without_nan
from plait.runs import Comparison
from plait.runs.advice import Advice

_PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}


def advice(found: Advice, folder: Path) -> None:
    """Shows what was considered, what was not, and the recommendation with its files."""
    out = Console()
    out.print("")
    for sentence in found.reasons:
        out.print(f"Seen: {sentence}", **_PLAIN)
    for each in found.candidates:
        out.print(f"Tried: {each.title} ({each.outcome}): {each.reason}", **_PLAIN)
    for text in found.not_tried:
        out.print(f"Not tried: {text}", **_PLAIN)
    stages = ", ".join(f"{stage} {minutes:.1f}" for stage, minutes in found.minutes.items())
    out.print(f"Minutes: {stages}; {found.budget:g} were given.", **_PLAIN)
    for sentence in found.sentences:
        out.print(sentence, **_PLAIN)
    out.print("")
    out.print(f"Advice: {found.headline}", style="bold", **_PLAIN)
    if found.config:
        out.print(f"Settings: {folder / found.config}", **_PLAIN)
    for task, place in found.models.items():
        what = f"Model of {task}" if task else "Model"
        out.print(f"{what}: {folder / place}", **_PLAIN)


def as_json(found: Advice, comparison: Comparison, folder: Path, report: Path) -> None:
    """Prints the advice and the comparison that it rests on, as JSON."""
    shown = {
        **asdict(found),
        "comparison": asdict(comparison),
        "folder": str(folder),
        "report": str(report),
    }
    print(json.dumps(without_nan(shown), indent=2, allow_nan=False))
