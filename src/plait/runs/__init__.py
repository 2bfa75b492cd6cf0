"""The files of a run, declared once: written by training and experiments, read by reports."""

__all__: list[str] = []
