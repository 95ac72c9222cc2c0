"""The actions on the user's drawings for keys, menus and command palette: tools, edit, move, delete."""

from typing import Final

from flow_gl.core.drawings import (
    ANCHORED,
    SHAPE_KINDS,
    SHAPE_NAMES,
    SHAPE_TITLES,
    WITH_TWO_POINTS,
    Shape,
    ShapeKind,
    drawing_key,
)
from flow_gl.ui.input import level_actions, shape_tool
from flow_gl.ui.input.action import Action, Context, Run
from flow_gl.ui.input.level_tool import edits_of

_KEYS: Final[dict[ShapeKind, str]] = {
    "rectangle": "shift+r",
    "trend_line": "shift+t",
    "ruler": "shift+m",
    "note": "shift+n",
    "anchored_vwap": "shift+w",
    "anchored_profile": "shift+p",
}


def tools() -> tuple[Action, ...]:
    """Return the actions that place shapes."""
    return tuple(
        Action(kind, _title(kind), (_KEYS[kind],), "Drawing", _tool(kind), menus=("chart", "bubble"))
        for kind in SHAPE_KINDS
    )


def _title(kind: ShapeKind) -> str:
    return f"{SHAPE_TITLES[kind]} from here" if kind in ANCHORED else f"Draw a {SHAPE_NAMES[kind]}"


def _tool(kind: ShapeKind) -> Run:
    title = SHAPE_NAMES[kind]
    how = "drag, or click twice" if kind in WITH_TWO_POINTS else "click"

    def run(context: Context) -> None:
        index = context.focus or 0
        if index >= len(context.markets) or not context.markets[index].session["trade_count"]:
            context.notes.append("there is no chart to draw on yet")
            return
        shape_tool.begin(context.state, kind)
        context.notes.append(f"{title}: {how}, or {context.key('pointer')} and Enter; Esc cancels")

    return run


def edit(context: Context) -> None:
    """Edit the drawing at the mouse, otherwise the next one: levels from above, then shapes."""
    drawings, key = context.state.drawings, _key(context)
    shape = context.pointed_shape
    if shape is None and context.pointed_level is None:
        shapes, levels = drawings.book.shapes(key), drawings.book.levels(key)
        ids = [one.id for one in sorted(levels, key=lambda one: -one.price)] + [one.id for one in shapes]
        last = drawings.selected[2] if drawings.selected is not None else drawings.last_edited
        if shapes and (not levels or last in ids):
            at = -1 if last not in ids else ids.index(last) - (drawings.selected is not None)
            following = ids[(at + 1) % len(ids)]
            shape = next((one for one in shapes if one.id == following), None)
    if shape is None:
        level_actions.edit(context)
        return
    place = context.focus or 0, key, shape.id
    drawings.edited_shape = drawings.selected = place


def move(context: Context) -> None:
    """Let the drawing at the mouse, or the selected one, follow the mouse until a click."""
    found = _chosen(context)
    if found is None:
        context.notes.append("point at a drawing or select it by a click to move it")
        return
    index, key, shape = found
    shape_tool.pick_up(context.state, index, key, shape, context.pointed_point or shape.start)
    context.notes.append(f"{SHAPE_NAMES[shape.kind]}: a click or Enter places it, Esc cancels")


def delete(context: Context) -> None:
    """Delete the drawing whose editor is open, otherwise the one at the mouse, otherwise the selected one."""
    drawings = context.state.drawings
    if drawings.edited is not None or (context.pointed_level is not None and drawings.edited_shape is None):
        level_actions.delete(context)
        return
    found = _chosen(context)
    if found is None:
        level_actions.delete(context)
        return
    _, key, shape = found
    drawings.edited_shape = drawings.selected = None
    edits_of(context.state).delete_shape(key, shape.id)
    context.notes.append(f"{SHAPE_NAMES[shape.kind]} deleted  \u00b7  {context.key('undo')} undoes")


def _chosen(context: Context) -> tuple[int, str, Shape] | None:
    """Return chart, key and shape: the edited one, the one at the mouse, or the selected one."""
    drawings, shape = context.state.drawings, context.pointed_shape
    if drawings.edited_shape is None and shape is not None:
        return context.focus or 0, _key(context), shape
    place = drawings.edited_shape or drawings.selected
    found = None if place is None else edits_of(context.state).find_shape(*place[1:])
    return None if place is None or found is None else (place[0], place[1], found)


def _key(context: Context) -> str:
    index = context.focus or 0
    market = context.markets[index] if index < len(context.markets) else None
    return "" if market is None else drawing_key(market.symbol, market.requested)
