"""The files of run and comparison folders as typed values."""

__all__: list[str] = []
