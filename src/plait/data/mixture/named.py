"""The name of a source: at the parts of its batches, and in its errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from plait.core.batch import Batch, Part
from plait.core.errors import ConfigError, PlaitError
from plait.data.mixture.source import Source


@contextmanager
def of_source(name: str) -> Iterator[None]:
    """Puts the name of a source before the message of an error of plait that comes from it.

    Raises:
        PlaitError: the body has raised one; of the same kind.
    """
    try:
        yield
    except PlaitError as error:
        raise type(error)(f"source {name!r}: {error}") from error


def named_parts(source: str, batch: Batch, *, keyed: bool) -> tuple[Part, ...]:
    """Returns the parts of a batch, each with its source.

    Args:
        source: the name.
        batch: of that source.
        keyed: whether inputs become ``{source: inputs}``.
    """
    return tuple(
        [
            Part(
                {source: part.inputs} if keyed else part.inputs,
                part.targets,
                part.counts,
                part.weights,
                part.foreign,
                source,
            )
            for part in batch.parts
        ]
    )


def check_sources(sources: Mapping[str, Source]) -> None:
    """Raises `ConfigError` unless there are sources."""
    if not isinstance(sources, Mapping) or not sources:
        raise ConfigError("a mixture needs sources by name: {'NAME': Source(data, batch_size=32)}.")
    for name, source in sources.items():
        if not isinstance(source, Source):
            raise ConfigError(
                f"source {name!r} of a mixture must be a `Source`; found {type(source).__name__}. "
                "Write `Source(data, batch_size=32)`, or `Source(loader)` for batches of your own."
            )
