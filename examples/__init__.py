"""plait inside the training loops of other libraries: ``python -m examples.NAME``."""
