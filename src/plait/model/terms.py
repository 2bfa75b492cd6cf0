"""The objective beside the losses: lambda R, alpha C and auxiliary terms by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plait.connections import Connection
from plait.core.outputs import Outputs, Term
from plait.model.connections import Connections
from plait.regularization import Regularizer

Terms = dict[str, Term]


def parameter_terms(connections: Connections, regularizers: Sequence[Regularizer]) -> Terms:
    """Returns the terms of the parameters: the same whatever the batch."""
    found: Terms = {}
    for position, regularizer in enumerate(regularizers):
        if not regularizer.reads_features:
            _put(found, _name(regularizer, position), regularizer.term({}))
    for connection in connections.all:
        if not connection.reads_outputs:
            found |= _labelled(connection.terms(Outputs({})), connection, connections)
    return found


def output_terms(
    outputs: Sequence[Outputs],
    connections: Connections,
    regularizers: Sequence[Regularizer],
    share: float = 1.0,
) -> Terms:
    """Returns the terms of a batch's outputs, the mean over its parts by their examples.

    Args:
        outputs: of each part.
        connections: of the model.
        regularizers: of the model.
        share: the part of the step's examples that the outputs hold.
    """
    sizes = list(map(_examples, outputs))
    found: Terms = {}
    for each, size in zip(outputs, sizes, strict=True):
        if size == 0:
            continue
        terms = dict(each.terms)
        for position, regularizer in enumerate(regularizers):
            if regularizer.reads_features:
                _put(terms, _name(regularizer, position), regularizer.term(each.features))
        for connection in connections.all:
            if connection.reads_outputs:
                terms |= _labelled(_of_views(connection, each), connection, connections)
        _add(found, terms, share * size / sum(sizes))
    return found


def _examples(outputs: Outputs) -> int:
    """Returns the number of examples; those of all tasks together if inputs differ by task."""
    sizes = [len(prediction) for prediction in outputs.values()]
    return max(sizes, default=0) if outputs.common else sum(sizes)


def _of_views(connection: Connection, outputs: Outputs) -> Terms:
    """Returns the terms of a connection: the mean over the inputs on which its tasks ran."""
    views = [view for view in outputs.views or [outputs] if _examples(view) > 0]
    each = [connection.terms(view) for view in views]
    totals: dict[str, int] = {}
    for view, terms in zip(views, each, strict=True):
        for name in terms:
            totals[name] = totals.get(name, 0) + _examples(view)
    found: Terms = {}
    for view, terms in zip(views, each, strict=True):
        for name, term in terms.items():
            _add(found, {name: term}, _examples(view) / totals[name])
    return found


def _labelled(terms: Terms, connection: Connection, connections: Connections) -> Terms:
    """Returns the terms with the connection's label in place of its class in their names."""
    kind, label = type(connection).__name__, connections.label(connection)
    return {f"{label}{name.removeprefix(kind)}": term for name, term in terms.items()}


def _add(total: Terms, terms: Mapping[str, Term], share: float) -> None:
    for name, term in terms.items():
        known, part = total.get(name), term.times(share)
        total[name] = part if known is None else known.plus(part)


def _put(terms: Terms, name: str, term: Term | None) -> None:
    if term is not None:
        terms[name] = term


def _name(part: Regularizer, position: int) -> str:
    return f"{type(part).__name__}[{position}]"
