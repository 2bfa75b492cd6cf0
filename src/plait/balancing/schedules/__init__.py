"""Factors of the losses that change over a training, beside the balancers."""

__all__: list[str] = []
