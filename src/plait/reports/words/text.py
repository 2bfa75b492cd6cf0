"""Numbers and judgements as text."""

from __future__ import annotations

import math

MISSING = "–"


def number(value: float | None) -> str:
    """Returns four significant digits.

    Example:
        >>> number(0.123456), number(12), number(None)
        ('0.1235', '12', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:.4g}"


def per_cent(value: float, sign: str = "+") -> str:
    """Returns a change in per cent, with its sign, or with ``sign=""`` without.

    Example:
        >>> per_cent(2.04), per_cent(-2.04, sign="")
        ('+2.0\\xa0%', '2.0\\xa0%')
    """
    if math.isnan(value):
        return MISSING
    return f"{value if sign else abs(value):{sign}.1f}\N{NO-BREAK SPACE}%"


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


def ratio(value: float, base: float) -> str:
    """Returns how many times a base a value is.

    Example:
        >>> ratio(3, 4), ratio(3, 400), ratio(3, 0)
        ('0.75', '0.0075', '–')
    """
    if not base > 0:
        return MISSING
    times = value / base
    return f"{times:.2f}" if times >= 0.095 else f"{times:.2g}"


def arrow(metric: str, higher: bool | None) -> str:
    """Returns the metric with its direction.

    Example:
        >>> arrow("iou", True), arrow("mae", False), arrow("mine", None)
        ('iou ↑', 'mae ↓', 'mine')
    """
    return metric if higher is None else f"{metric} {'↑' if higher else '↓'}"


def against(value: float, trivial: float | None, higher: bool | None) -> str:
    """Returns how a value compares with that of the trivial predictor."""
    if trivial is None or higher is None or math.isnan(value) or math.isnan(trivial):
        return MISSING
    if value == trivial:
        return "no better"
    return "better" if (value > trivial) == higher else "worse"


def judgement(change: float) -> str:
    """Returns "better", "worse" or "equal", as the change reads when it is rounded for the page."""
    if math.isnan(change):
        return "not comparable"
    if abs(change) < 0.05:
        return "equal"
    return "better" if change > 0 else "worse"
