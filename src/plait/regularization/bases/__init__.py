"""Bases that several regularizers derive from."""

__all__: list[str] = []
