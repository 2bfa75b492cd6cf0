"""Searches over structure: soft choices, policies and routes."""

__all__: list[str] = []
