"""Signals along an edge: fitted to the reader's shape, or read by their kind."""

__all__: list[str] = []
