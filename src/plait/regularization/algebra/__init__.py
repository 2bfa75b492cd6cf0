"""Norms, their proximal operators, and couplings of the tasks."""

__all__: list[str] = []
