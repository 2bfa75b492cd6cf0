"""Bases that several methods derive from."""

__all__: list[str] = []
