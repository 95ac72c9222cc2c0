"""Records that are created in every frame: read-only to the type checker, cheap to create.

A dataclass with `frozen=True` and slots sets each field through `object.__setattr__`, so one of many fields takes
several times as long to make. Nothing at run time keeps a field from being set; mypy does.
"""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """A dataclass with slots whose fields are not to be set."""
    return dataclass(slots=True)(cls)
