"""How to run the golden cases of each method, by the name that the files give it."""

from tests.balancing.adapters import bilevel, cross, gramians, losses, rows, scalarizations
from tests.balancing.adapters.files import Adapter

METHODS: dict[str, Adapter] = {
    **losses.METHODS,
    **scalarizations.METHODS,
    **gramians.METHODS,
    **cross.METHODS,
    **rows.METHODS,
    **bilevel.METHODS,
}
