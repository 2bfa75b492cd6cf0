"""A search that nobody has made, with everything that a page has to show."""

import math
from typing import Any

from plait.runs.tuning import FinalRun, State, TunedTrial, Tuning

STATES: tuple[State, ...] = ("trained", "pruned", "trained", "failed")


def example(trials: int = 16, *, objectives: int = 1, **more: Any) -> Tuning:
    """A search; of several objectives, each trial is better than the one before in one of them."""
    made = []
    for number in range(trials):
        state = STATES[number % 4] if objectives == 1 else "trained"
        values = [math.sin(number + place) for place in range(objectives)]
        reason = {"pruned": "pruned after epoch 1", "failed": "a loss is <b>nan</b>"}
        made.append(
            TunedTrial(
                number=number,
                state=state,
                values=values if state == "trained" else [math.nan] * objectives,
                settings={"optimizer.lr": 0.01 * (number + 1), "balancing": "Equal"},
                untuned=number == 0,
                folder=f"trials/{number:03}",
                reason=reason.get(state, ""),
            )
        )
    trained = [trial for trial in made if trial.state == "trained"]
    best = max(trained, key=lambda trial: trial.values[0]).number if trained else -1
    given: dict[str, Any] = {
        "title": "Settings of <i>mine</i>",
        "objective": ["skill"] if objectives == 1 else [f"task{i}/iou" for i in range(objectives)],
        "higher_is_better": [True] * objectives,
        "space": ["optimizer.lr: 0.01 to 1, log-uniform", "balancing: Equal, FAMO"],
        "how": ["Trial 0 has the settings as they are."],
        "seed": 0,
        "wanted": trials,
        "trials": made,
        "best": best,
        "front": [best] if objectives > 1 else [],
        "importance": {"balancing": 0.25, "optimizer.lr": 0.75} if objectives == 1 else {},
        "finals": [
            FinalRun(
                trial=best,
                after=trials,
                seed=3,
                folder="final/x",
                tested="2026-01-01T00:00:00+00:00",
                test={"mine": {"iou": 0.25}},
                validation={"mine": {"iou": 0.5}},
            )
        ],
        "note": ["The test split was read once."],
    }
    return Tuning(**{**given, **more})
