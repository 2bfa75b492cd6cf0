"""How to run the golden cases of each method, by the name that the files give it.

Every module here has `METHODS`, `{method: adapter}`.
"""

import importlib
import pkgutil

from tests.architectures.adapters.files import Adapter

METHODS: dict[str, Adapter] = {}
for found in pkgutil.iter_modules(__path__):
    module = importlib.import_module(f"{__name__}.{found.name}")
    METHODS |= getattr(module, "METHODS", {})
