"""Small exact solvers on `[T, T]` NumPy float64; they serve all methods."""

from plait.balancing.solvers.active_set import active_set
from plait.balancing.solvers.dynamic_barrier import dynamic_barrier
from plait.balancing.solvers.kmeans import kmeans_1d
from plait.balancing.solvers.least_distance import least_distance
from plait.balancing.solvers.least_norm import least_norm
from plait.balancing.solvers.max_min import max_min
from plait.balancing.solvers.min_norm import min_norm
from plait.balancing.solvers.newton import newton
from plait.balancing.solvers.nnls import nnls
from plait.balancing.solvers.simplex import project_simplex

__all__ = [
    "active_set",
    "dynamic_barrier",
    "kmeans_1d",
    "least_distance",
    "least_norm",
    "max_min",
    "min_norm",
    "newton",
    "nnls",
    "project_simplex",
]
