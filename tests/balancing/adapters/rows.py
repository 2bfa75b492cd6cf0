"""Golden cases of the methods that read the rows."""

from tests.balancing.adapters.files import Adapter

METHODS: dict[str, Adapter] = {}
