"""The ways from losses to gradients, one object each."""

__all__: list[str] = []
