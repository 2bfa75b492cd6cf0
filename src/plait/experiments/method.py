"""The name of a method with its options, as a file of settings has it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Method(BaseModel):
    """A method by its class name, with options: ``{class: MMoE, experts: 4}``, or just ``MMoE``."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())

    name: str = Field(alias="class")

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        return {"class": value} if isinstance(value, str) else value

    @property
    def options(self) -> dict[str, Any]:
        """The options beside the name."""
        return dict(self.model_extra or {})


Methods = Method | list[Method] | None
