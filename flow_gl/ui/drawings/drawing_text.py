"""Drawings as TOML: one table per drawing, named after its kind.

Times are written in UTC to the microsecond, prices in points with all their decimals.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec

from flow_gl.core.drawings import (
    COLOR_NAMES,
    LONGEST_NAME,
    LONGEST_TEXT,
    SHAPE_KINDS,
    WITH_TWO_POINTS,
    ColorName,
    CustomLevel,
    Point,
    Shape,
    ShapeKind,
)
from flow_gl.core.market.limits import MAX_PRICE
from flow_gl.core.schema import PRICE_SCALE
from flow_gl.core.units import SECOND_NS
from flow_gl.ui.drawings.book import new_id

HEAD: Final = f"""# Drawings of flow_gl, by instrument root: a level of NQ is on the charts of NQZ5 and of NQ.v.0.
# Tables: level, {", ".join(SHAPE_KINDS)}. Times are UTC, prices are points.
# color is one of {", ".join(COLOR_NAMES)}; since is when a level was placed.
# The program writes this file when a drawing changes; comments are not kept. A level's alert is in alerts.toml.
"""
TABLES: Final = ("level", *SHAPE_KINDS)
ERRORS: Final = (msgspec.ValidationError, ValueError, ArithmeticError, TypeError)
"""Raised for a table that is not a drawing."""
Levels = Mapping[str, tuple[CustomLevel, ...]]
Shapes = Mapping[str, tuple[Shape, ...]]
_LATEST_NS: Final = 1 << 63
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MICROSECOND_NS: Final = 1_000
_Symbol = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
_Id = Annotated[str, msgspec.Meta(max_length=32)]


class _LevelRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A level, with the field names of the file. Prices are points; `id` is "" if it was written by hand."""

    symbol: _Symbol
    price: Decimal
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = ""
    color: ColorName = COLOR_NAMES[0]
    since: datetime | None = None
    id: _Id = ""


class _PointRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A shape at one point."""

    symbol: _Symbol
    time: datetime
    price: Decimal
    text: Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)] = ""
    color: ColorName = COLOR_NAMES[0]
    id: _Id = ""


class _PointsRow(_PointRow, kw_only=True, forbid_unknown_fields=True):
    """A shape at two points."""

    to_time: datetime
    to_price: Decimal


def text_of(levels: Levels, shapes: Shapes | None = None) -> str:
    """Return drawings as TOML, without fields at their default."""
    parts = [HEAD]
    for key, found in levels.items():
        for one in found:
            parts.append(f"\n[[level]]\nsymbol = {_text(key)}\nprice = {_points(one.price)}\n")
            if one.name:
                parts.append(f"name = {_text(one.name)}\n")
            parts.append(f'color = "{one.color}"\n')
            if one.since_ns:
                parts.append(f"since = {_time(one.since_ns)}\n")
            parts.append(f"id = {_text(one.id)}\n")
    for key, placed in (shapes or {}).items():
        parts += [line for shape in placed for line in _lines(key, shape)]
    return "".join(parts)


def level_of(given: Any) -> tuple[str, CustomLevel]:
    """Return root and level of a table in the file. Raises one of `ERRORS`."""
    row = msgspec.convert(_with_decimals(given), _LevelRow)
    since_ns = 0 if row.since is None else max(0, _ns(row.since, "since") // SECOND_NS * SECOND_NS)
    return row.symbol, CustomLevel(row.id or new_id(), _price(row.price, "price"), row.name, row.color, since_ns)


def shape_of(kind: ShapeKind, given: Any) -> tuple[str, Shape]:
    """Return root and shape of a table in the file. Raises one of `ERRORS`."""
    row = msgspec.convert(_with_decimals(given), _PointsRow if kind in WITH_TWO_POINTS else _PointRow)
    start = end = Point(_ns(row.time, "time"), _price(row.price, "price"))
    if isinstance(row, _PointsRow):
        end = Point(_ns(row.to_time, "to_time"), _price(row.to_price, "to_price"))
    return row.symbol, Shape(row.id or new_id(), kind, start, end, row.text, row.color)


def _lines(key: str, shape: Shape) -> Iterator[str]:
    yield f"\n[[{shape.kind}]]\nsymbol = {_text(key)}\n"
    yield f"time = {_time(shape.start.t_ns)}\nprice = {_points(shape.start.price)}\n"
    if shape.kind in WITH_TWO_POINTS:
        yield f"to_time = {_time(shape.end.t_ns)}\nto_price = {_points(shape.end.price)}\n"
    if shape.text:
        yield f"text = {_text(shape.text)}\n"
    yield f'color = "{shape.color}"\nid = {_text(shape.id)}\n'


def _with_decimals(given: Any) -> Any:
    """Return a table in which prices written without decimals are decimals too."""
    if not isinstance(given, dict):
        return given
    whole = {
        name: Decimal(given[name])
        for name in ("price", "to_price")
        if isinstance(given.get(name), int) and not isinstance(given[name], bool)
    }
    return {**given, **whole}


def _price(points: Decimal, name: str) -> int:
    price = points * PRICE_SCALE
    if not points.is_finite() or abs(price) >= MAX_PRICE or price != int(price):
        raise ValueError(f"`{name}` must be a price with at most 9 decimals, was {points}")
    return int(price)


def _ns(given: datetime, name: str) -> int:
    """Return a time in ns, exact to the microsecond. Without an offset it is UTC."""
    found = (given if given.tzinfo else given.replace(tzinfo=UTC)) - _EPOCH
    t_ns = found // _MICROSECOND * _MICROSECOND_NS
    if t_ns >= _LATEST_NS:
        raise ValueError(f"`{name}` must be before the year 2262, was {given}")
    return t_ns


def _time(t_ns: int) -> str:
    found = _EPOCH + (t_ns // _MICROSECOND_NS) * _MICROSECOND
    part = f".{found:%f}".rstrip("0") if found.microsecond else ""
    return f"{found:%Y-%m-%dT%H:%M:%S}{part}Z"


def _points(price: int) -> str:
    return f"{(Decimal(price) / PRICE_SCALE).normalize():f}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
