"""Golden cases of the methods that look ahead to the validation losses."""

from tests.balancing.adapters.files import Adapter

METHODS: dict[str, Adapter] = {}
