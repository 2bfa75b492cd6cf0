"""Why a training ended, and whether it was still improving."""

from __future__ import annotations

from plait.runs import Ended, EventLog, Warned
from plait.runs.one_class import only_one
from plait.training.options import TrainerOptions
from plait.training.state import State

SHARE = 10  # a best epoch among the last tenth of them is no sign that more would not help


def log_end(log: EventLog, state: State, options: TrainerOptions) -> None:
    """Writes why a training ended, if there is something to say; `state.ended` has it, too.

    Before it stands which tasks predict one class only with the weights of the best epoch.
    """
    single = only_one(state.one_class)
    if single:
        log.write(Warned(step=state.step, text=single))
    state.ended = ending(state, options)
    if state.ended:
        log.write(Ended(epoch=state.epoch, step=state.step, text=state.ended))
    if single or state.ended:
        log.flush()


def ending(state: State, options: TrainerOptions) -> str:
    """Returns why a training ended, and whether it was still improving, in one or two sentences.

    It was still improving if the best epoch is among the last: among the last `patience` ones, or
    the last tenth of all epochs without patience. One evaluation alone says nothing of it.

    Args:
        state: at the end.
        options: what ended it: `patience`, `minutes` or `epochs`.

    Returns:
        "" if all epochs were trained and the best one is not among the last, or not known. That no
        epoch is better than the weights before the first step, where these count, is said.

    Example:
        >>> last = State(epoch=10, best_epoch=10, best_score=0.5)
        >>> ending(last, TrainerOptions(epochs=10))
        'still improving: the last epoch, 10, is the best. Train longer, such as with epochs=20.'
        >>> early = State(epoch=9, best_epoch=4, best_score=0.5)
        >>> ending(early, TrainerOptions(epochs=10, patience=5))
        'ended by patience: no better epoch than 4 in the last 5.'
    """
    patience, minutes = options.patience, options.minutes
    if patience is not None and state.waited >= patience:
        return f"ended by patience: no better epoch than {state.best_epoch} in the last {patience}."
    spent = minutes is not None and state.spent(minutes)
    texts = [f"ended by minutes={minutes:g} in epoch {state.epoch}"] if spent else []
    if state.judged and not state.best_epoch:
        texts.append("no epoch is better than the weights before the first step")
    elif state.judged and state.epoch > 1 and state.waited < (patience or _last(state)):
        best = f"the last epoch, {state.epoch}, is the best"
        if state.waited:
            best = f"epoch {state.best_epoch} of {state.epoch} is the best"
            best += f", and patience={patience} is not used up" if patience else ""
        longer = [f"minutes={2 * minutes:g}"] if minutes and spent else []
        if state.epoch >= options.epochs:
            longer.append(f"epochs={2 * options.epochs}")
        texts.append(f"still improving: {best}. Train longer, such as with {' '.join(longer)}")
    return "; ".join(texts) + "." if texts else ""


def _last(state: State) -> int:
    """Returns the number of the last epochs, for a training without patience."""
    return max(1, state.epoch // SHARE)
