"""Charts of gradients that a diagnosis measured: all parameters, layer by layer, over training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, takewhile

from plait.reports.draw.curves import BY_SIZE, MOST_CURVES, Chart, curve_table, some_of, summary
from plait.reports.draw.heatmap import (
    COSINES,
    SHARES,
    Cells,
    Scale,
    draw_cells,
    is_wide,
    rows_of_panels,
)
from plait.reports.draw.plot import draw_lines, line
from plait.reports.draw.style import Look, Panel, looks
from plait.reports.draw.tables import MOST_ROWS, Table
from plait.reports.read.series import Series, largest, series
from plait.reports.words.text import MISSING, number, share
from plait.runs.diagnosis import Conflict, Diagnosis, Moment

MOST_PAIRS = 12  # that have a column of their own beside the layers
_MOST_LAYERS = 60
_SIMILAR = Scale(0, 1, ("#F4F4F4", "#0072B2"), ".2f")
_MATRICES = {  # title, scale
    "cosines": ("Cosine", COSINES),
    "rates": ("Share of batches in conflict", SHARES),
    "similarities": ("Magnitude similarity", _SIMILAR),
}


def conflict_chart(found: Diagnosis) -> Chart:
    """Draws cosine, conflict rate and magnitude similarity of each pair of tasks."""
    title, whole = "Gradients of each pair of tasks", found.conflict
    if whole is None or not whole.cosines:
        text = "No two tasks train the same parameters: there is nothing to be in conflict about."
        return Chart("measured", title, missing=text)
    panels = [
        _matrix(f"measured-{index}", name, whole, getattr(whole, values), scale)
        for index, (values, (name, scale)) in enumerate(_MATRICES.items())
    ]
    pairs = sorted(_pairs(whole), key=lambda place: _known(whole.cosines[place[0]][place[1]]))
    rows = [
        [
            f"{whole.tasks[i]} and {whole.tasks[j]}",
            _deviating(whole, i, j),
            share(whole.rates[i][j]),
            number(whole.similarities[i][j]),
            str(whole.counts[i][j]),
        ]
        for i, j in pairs[:MOST_ROWS]
    ]
    head = ["Pair", "Cosine", "Batches in conflict", "Magnitude similarity", "Batches"]
    caption = (
        f"Measured on {found.batches} batches at the {whole.parameters:,} shared parameters. "
        "Cosine 1: two tasks want the same step; below 0: they conflict. Magnitude similarity 1: "
        "their gradients are equally long; near 0: one of them hardly counts beside the other."
    )
    if len(rows) < len(pairs):
        caption += f" The table has the {len(rows)} pairs with the smallest cosine."
    return Chart("measured", title, caption, panels, [Table(head, rows, title)])


def layer_chart(found: Diagnosis) -> Chart:
    """Draws the mean cosine in each module that holds shared parameters, pair by pair if few."""
    title = "Conflict in each layer"
    layers = found.layers[:_MOST_LAYERS]
    if not layers:
        return Chart("layers", title, missing="No layer is trained by more than one task.")
    pairs = list(combinations(found.tasks, 2))
    head = ["All pairs", *(f"{a}, {b}" for a, b in pairs)] if _few(pairs, layers) else ["All pairs"]
    cells = [[layer.cosine, *_of_pairs(layer, pairs)][: len(head)] for layer in layers]
    begin = _common([layer.name for layer in layers])
    names = [layer.name.removeprefix(begin) or "all" for layer in layers]
    words = "; ".join(f"{layer.name}: {number(layer.cosine)}" for layer in layers[:12])
    panel = Panel(
        "Mean cosine",
        None,
        draw_cells("layers-0", names, head, cells, COSINES),
        f"Mean cosine over all pairs of tasks. {words}.",
        wide=len(head) > 4,
        rows=1 if len(head) > 4 else rows_of_panels(len(names), len(head)),
    )
    rows = [
        [layer.name, f"{layer.parameters:,}", number(layer.cosine), share(layer.rate)]
        for layer in found.layers
    ]
    table = Table(["Layer", "Parameters", "Mean cosine", "In conflict"], rows, title)
    caption = "In the order of the model."
    caption += f" All names begin with {begin}" if begin else ""
    if len(found.layers) > len(layers):
        caption += f" Drawn are the first {len(layers)} of {len(found.layers)} layers."
    return Chart("layers", title, caption, [panel], [table])


def history_chart(found: Diagnosis) -> Chart:
    """Draws conflict and similarity over the training, as its log has them."""
    title = "Conflict over the training"
    values: dict[str, Callable[[Moment], float | None]] = {
        "mean cosine": lambda moment: moment.cosine,
        "share in conflict": lambda moment: moment.rate,
        "magnitude similarity": lambda moment: moment.similarity,
    }
    curves = {name: series(found.history, _step, value) for name, value in values.items()}
    curves = {name: curve for name, curve in curves.items() if curve.x}
    if not curves:
        text = "The log of the training has no cosines: they are recorded with measure_every."
        return Chart("history", title, missing=text)
    panels = [_lines("history-0", "Mean over all pairs", curves, looks(curves), zero=True)]
    shares = {task: series(found.history, _step, _share(task)) for task in found.tasks}
    shares = largest({task: curve for task, curve in shares.items() if curve.x}, MOST_CURVES)
    if shares:
        panels.append(
            _lines("history-1", "Share of each task in the update", shares, looks(found.tasks))
        )
    caption = f"Each point is the mean over one of {len(found.history)} stretches of the training."
    caption += some_of(len(shares), len(found.tasks), f"tasks, {BY_SIZE}") if shares else ""
    tables = [curve_table("Step", {**curves, **shares}, title)]
    return Chart("history", title, caption, panels, tables)


def _step(moment: Moment) -> int:
    return moment.step


def _share(task: str) -> Callable[[Moment], float | None]:
    return lambda moment: moment.shares.get(task)


def _common(names: Sequence[str]) -> str:
    """Returns with what all dotted names begin, the last dot included; "" of one name."""
    steps = zip(*(name.split(".")[:-1] for name in names), strict=False)
    common = [each[0] for each in takewhile(lambda each: len(set(each)) == 1, steps)]
    return "".join(f"{name}." for name in common) if len(names) > 1 else ""


def _few(pairs: list[tuple[str, str]], layers: list[Conflict]) -> bool:
    return 1 < len(pairs) < MOST_PAIRS and any(layer.cosines for layer in layers)


def _of_pairs(layer: Conflict, pairs: list[tuple[str, str]]) -> Iterator[float | None]:
    place = {task: index for index, task in enumerate(layer.tasks)}
    for first, second in pairs:
        known = layer.cosines and first in place and second in place
        yield layer.cosines[place[first]][place[second]] if known else None


def _matrix(ident: str, name: str, whole: Conflict, values: Cells, scale: Scale) -> Panel:
    words = [
        f"{whole.tasks[i]} and {whole.tasks[j]} {scale.written(values[i][j])}"
        for i, j in list(_pairs(whole))[:24]
        if values[i][j] is not None
    ]
    plot = draw_cells(ident, whole.tasks, whole.tasks, values, scale)
    return Panel(name, None, plot, f"{name}: {', '.join(words)}.", wide=is_wide(len(whole.tasks)))


def _lines(
    ident: str,
    name: str,
    curves: Mapping[str, Series],
    looks_of: Mapping[str, Look],
    *,
    zero: bool = False,
) -> Panel:
    traces = [
        line(curve, looks_of[each], name=each, marks="circle") for each, curve in curves.items()
    ]
    flat = [(0.0, "")] if zero else []
    plot = draw_lines(ident, traces, x="step", legend=True, flat=flat)
    words = [summary(each, curve, "step") for each, curve in curves.items()]
    return Panel(name, None, plot, f"{name}. {' '.join(words)}")


def _pairs(whole: Conflict) -> Iterator[tuple[int, int]]:
    return combinations(range(len(whole.tasks)), 2)


def _known(value: float | None) -> float:
    return 2.0 if value is None else value


def _deviating(whole: Conflict, i: int, j: int) -> str:
    cosine, deviation = whole.cosines[i][j], whole.deviations[i][j]
    if cosine is None:
        return MISSING
    return number(cosine) if deviation is None else f"{number(cosine)} ± {deviation:.2g}"
