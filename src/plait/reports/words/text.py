"""Numbers and judgements as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from plait.core.sentences import MOST_NAMES, listed
from plait.runs.comparison import mean, spread

MISSING = "–"
LARGE = 1e4  # per cent that are written by their power of ten
_UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))


def number(value: float | None) -> str:
    """Returns a number with four significant digits; a dash for None and NaN.

    Example:
        >>> number(0.123456), number(12), number(None)
        ('0.1235', '12', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:.4g}"


def number_over(values: Sequence[float]) -> str:
    """Returns the mean over the seeds, and with several the sample standard deviation.

    Example:
        >>> number_over([0.5]), number_over([0.5, 0.7])
        ('0.5', '0.6\\xa0±\\xa00.14')
    """
    written, deviation = number(mean(values)), spread(values)
    if deviation is None or not math.isfinite(deviation):
        return written
    return f"{written}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{deviation:.2g}"


def per_cent(value: float, sign: str = "+") -> str:
    """Returns a change in per cent with one decimal; ``sign=""`` leaves its sign out.

    Example:
        >>> per_cent(2.04), per_cent(-2.04, sign="")
        ('+2.0\\xa0%', '2.0\\xa0%')
    """
    if math.isnan(value):
        return MISSING
    shown = value if sign else abs(value)
    return f"{decimal(shown, sign)}\N{NO-BREAK SPACE}%"


def decimal(value: float, sign: str = "+") -> str:
    """Returns a number with one decimal; a large one, as of a baseline near 0, by its power of ten.

    Example:
        >>> decimal(2.04), decimal(-0.01), decimal(-123456.7)
        ('+2.0', '+0.0', '-1.2e+05')
    """
    if abs(value) >= LARGE:
        return f"{value:{sign}.2g}"
    return f"{round(value, 1) + 0.0:{sign}.1f}"  # no -0.0


def duration(seconds: float) -> str:
    """Returns a time in its two largest units.

    Example:
        >>> duration(7.25), duration(75), duration(3720)
        ('7.2 s', '1 min 15 s', '1 h 2 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest if not hours else 0, "s")]
    return " ".join(f"{value} {unit}" for value, unit in parts if value)


def share(value: float | None) -> str:
    """Returns a share of a whole in per cent; a dash for None and NaN.

    Example:
        >>> share(0.125), share(None)
        ('12.5\\xa0%', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%"


def memory(size: float | None) -> str:
    """Returns bytes in their largest decimal unit with three digits; a dash for None and NaN.

    Example:
        >>> memory(512), memory(1_300_000), memory(2.5e9)
        ('512\\xa0B', '1.3\\xa0MB', '2.5\\xa0GB')
    """
    if size is None or math.isnan(size):
        return MISSING
    unit, scale = next((u for u in _UNITS if size >= 0.9995 * u[1]), _UNITS[-1])
    return f"{size / scale:.3g}\N{NO-BREAK SPACE}{unit}"


def per_step(seconds: float | None) -> str:
    """Returns a short time in seconds or milliseconds; a dash for None and NaN.

    Example:
        >>> per_step(0.0123), per_step(1.5)
        ('12.3\\xa0ms', '1.5\\xa0s')
    """
    if seconds is None or math.isnan(seconds):
        return MISSING
    if seconds < 0.9995:
        return f"{1000 * seconds:.3g}\N{NO-BREAK SPACE}ms"
    return f"{seconds:.3g}\N{NO-BREAK SPACE}s"


def ratio(value: float, base: float) -> str:
    """Returns `value / base` as text; a dash if the base is not positive.

    Example:
        >>> ratio(3, 4), ratio(3, 400), ratio(3, 0)
        ('0.75', '0.0075', '–')
    """
    if not base > 0:
        return MISSING
    times = value / base
    return f"{times:.2f}" if times >= 0.095 else f"{times:.2g}"


def arrow(metric: str, higher: bool | None) -> str:
    """Returns a metric with an arrow: up if higher is better, down if lower is.

    Example:
        >>> arrow("iou", True), arrow("mae", False), arrow("mine", None)
        ('iou ↑', 'mae ↓', 'mine')
    """
    return metric if higher is None else f"{metric} {'↑' if higher else '↓'}"


def against(value: float, trivial: float | None, higher: bool | None) -> str:
    """Compares with the trivial predictor: "better", "worse", "no better" or a dash."""
    if trivial is None or higher is None or math.isnan(value) or math.isnan(trivial):
        return MISSING
    if number(value) == number(trivial):  # what reads the same is no gain
        return "no better"
    return "better" if (value > trivial) == higher else "worse"


def tasks_named(tasks: Sequence[str]) -> str:
    """Returns tasks as words of a sentence: up to six names, else how many they are."""
    return listed(tasks) if len(tasks) <= MOST_NAMES else f"{len(tasks)} tasks"
