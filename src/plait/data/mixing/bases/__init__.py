"""Bases that several mixing policies derive from."""

__all__: list[str] = []
