"""What the engine reads of a feed's notices. `flow_gl.feed.base` has the classes that fit: neither sees the other."""

from typing import Protocol


class MappingNotice(Protocol):
    """An instrument's name (`feed.base.Mapping`)."""

    @property
    def instrument_id(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def requested(self) -> str: ...
    @property
    def is_end(self) -> bool: ...


class DefinitionNotice(Protocol):
    """What a definition record says (`feed.base.Definition`)."""

    @property
    def instrument_id(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def tick_size(self) -> int: ...
    @property
    def point_value(self) -> float | None: ...
    @property
    def is_outright(self) -> bool: ...


class GapNotice(Protocol):
    """Missing records (`feed.base.FeedGap`)."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def filled(self) -> bool: ...
    @property
    def instrument_id(self) -> int: ...
