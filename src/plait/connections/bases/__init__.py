"""Bases that several connections derive from."""

__all__: list[str] = []
