"""What regularizers are made of: norms, their proximal operators, couplings of the tasks."""

__all__: list[str] = []
