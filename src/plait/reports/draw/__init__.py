"""Plotly figures, tables, and the looks that they share; nothing here knows what a run is for."""

__all__: list[str] = []
