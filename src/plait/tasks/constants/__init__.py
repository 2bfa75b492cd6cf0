"""The constant predictions against which a model has to be better."""

__all__: list[str] = []
