"""Small exact solvers on `[T, T]` NumPy float64; they serve all methods."""

from plait.balancing.solvers.cosines import least_norm, norms_and_cosines
from plait.balancing.solvers.nnls import nnls
from plait.balancing.solvers.simplex import project_simplex

__all__ = ["least_norm", "nnls", "norms_and_cosines", "project_simplex"]
