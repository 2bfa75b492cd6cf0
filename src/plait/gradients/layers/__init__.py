"""The Gramian from the inputs and output gradients of layers, without a row."""

__all__: list[str] = []
