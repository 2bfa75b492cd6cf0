"""Options of a model that are known without torch."""

from __future__ import annotations

from typing import Literal

NewTasks = Literal["source", "fresh"]
