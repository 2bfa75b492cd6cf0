"""Small exact solvers on `[T, T]` NumPy float64; they serve all methods."""

from plait.balancing.solvers.dynamic_barrier import dynamic_barrier
from plait.balancing.solvers.min_norm import min_norm
from plait.balancing.solvers.nnls import nnls
from plait.balancing.solvers.simplex import project_simplex

__all__ = ["dynamic_barrier", "min_norm", "nnls", "project_simplex"]
