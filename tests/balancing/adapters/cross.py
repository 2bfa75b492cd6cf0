"""Golden cases of the methods that read several batches."""

from tests.balancing.adapters.files import Adapter

METHODS: dict[str, Adapter] = {}
