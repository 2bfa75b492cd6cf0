"""Small exact solvers on `[T, T]` NumPy float64; they serve all methods."""

from plait.balancing.solvers.kmeans import kmeans_1d
from plait.balancing.solvers.nnls import nnls

__all__ = ["kmeans_1d", "nnls"]
