"""Charts of a search for settings: its history, what decides, and the Pareto front."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from plait.reports.draw.curves import MOST_PANELS, Chart, some_of
from plait.reports.draw.style import Panel
from plait.reports.draw.tables import Table
from plait.reports.draw.trials import draw_front, draw_history, draw_shares
from plait.reports.words.text import arrow, number
from plait.runs.tuning import TunedTrial, Tuning

HISTORY, IMPORTANCE, FRONT = "Trials", "What decides", "Pareto front"


def history_chart(found: Tuning) -> Chart:
    """Draws the objective of each trained trial over its number."""
    trained = [trial for trial in found.trials if trial.state == "trained"]
    if not trained:
        return Chart("history", HISTORY, missing="No trial was trained to its end.")
    names = [_name(trial) for trial in trained]
    places = [trial.number for trial in trained]
    panels = []
    for index, (name, higher) in enumerate(_objectives(found)[:MOST_PANELS]):
        values = [trial.values[index] for trial in trained]
        best = max(values) if higher else min(values)
        plot = draw_history(f"history-{index}", names, places, values, higher=higher)
        words = f"{name}: the best of {len(values)} trials has {number(best)}."
        panels.append(Panel(arrow(name, higher), None, plot, words))
    caption = "Each trained trial on the validation split. Dotted: the best so far."
    caption += some_of(len(panels), len(found.objective), "objectives, the first")
    return Chart("history", HISTORY, caption, panels, [trial_table(found)])


def importance_chart(found: Tuning) -> Chart:
    """Draws how much each setting decides whether a trial is among the best tenth."""
    if not found.importance:
        text = "Known with one objective, and from ten trained trials on."
        return Chart("importance", IMPORTANCE, missing=text)
    shares = dict(sorted(found.importance.items(), key=lambda pair: -pair[1]))
    plot = draw_shares("importance-0", list(shares), list(shares.values()))
    rows = [[key, f"{100 * share:.1f} %"] for key, share in shares.items()]
    words = ", ".join(f"{key} {share}" for key, share in rows)
    caption = (
        "How much each setting decides whether a trial is among the best tenth (PED-ANOVA): it "
        "does not say which value is good, and with few trials it is rough."
    )
    table = Table(["Setting", "Share"], rows, IMPORTANCE)
    return Chart("importance", IMPORTANCE, caption, [Panel("", None, plot, words)], [table])


def front_chart(found: Tuning) -> Chart | None:
    """Draws the trained trials by each two of several objectives; None with one objective."""
    pairs = list(itertools.combinations(range(len(found.objective)), 2))
    trained = [trial for trial in found.trials if trial.state == "trained"]
    if not pairs or not trained:
        return None
    objectives = _objectives(found)
    panels = []
    for place, (one, other) in enumerate(pairs[:MOST_PANELS]):
        x, y = arrow(*objectives[one]), arrow(*objectives[other])
        plot = draw_front(
            f"front-{place}",
            [_name(trial) for trial in trained],
            [(trial.values[one], trial.values[other]) for trial in trained],
            [trial.number in found.front for trial in trained],
            x=x,
            y=y,
        )
        words = f"{y} against {x} of {len(trained)} trials, {len(found.front)} of them filled."
        panels.append(Panel("", None, plot, words))
    caption = (
        f"Filled: the {len(found.front)} trials that no other beats in every objective at once "
        "(between two objectives, another may seem to)."
    )
    caption += some_of(len(panels), len(pairs), "pairs of objectives")
    return Chart("front", FRONT, caption, panels, [_front_table(found)])


def trial_table(found: Tuning) -> Table:
    """Returns all trials with their values and settings."""
    head = ["Trial", *(arrow(*each) for each in _objectives(found)), "State", "Settings"]
    rows = [
        [str(trial.number), *map(number, trial.values), _state(trial), _settings(trial)]
        for trial in found.trials
    ]
    return Table(head, rows, "All trials")


def _front_table(found: Tuning) -> Table:
    kept = [trial for trial in found.trials if trial.number in found.front]
    head = ["Trial", *(arrow(*each) for each in _objectives(found)), "Settings"]
    rows = [[str(each.number), *map(number, each.values), _settings(each)] for each in kept]
    return Table(head, rows, FRONT)


def _objectives(found: Tuning) -> Sequence[tuple[str, bool]]:
    return list(zip(found.objective, found.higher_is_better, strict=True))


def _name(trial: TunedTrial) -> str:
    return f"trial {trial.number}: {_settings(trial)}"


def _settings(trial: TunedTrial) -> str:
    if trial.untuned:
        return "as they were"
    return ", ".join(f"{key}={value}" for key, value in trial.settings.items())


def _state(trial: TunedTrial) -> str:
    return f"{trial.state}: {trial.reason}" if trial.reason else trial.state
