"""The actions on custom levels for keys and menu: place, edit, delete."""

from flow_gl.core.drawings import CustomLevel, drawing_key
from flow_gl.ui.input.action import Context
from flow_gl.ui.input.level_tool import begin, edits_of


def place(context: Context) -> None:
    """Start placing a level at the mouse, or at the last price."""
    found = _chart(context)
    if found is None:
        context.notes.append("there is no chart yet to place a custom level on")
        return
    index, key = found
    last = int(context.markets[index].session["last_price"])
    price = last if context.pointed_price is None else context.pointed_price
    begin(context.state, index, key, price, context.event_ns)
    context.notes.append("custom level: click or Enter places it, Up and Down move it by a tick, Esc cancels")


def edit(context: Context) -> None:
    """Edit the level at the mouse, otherwise the next lower one, otherwise the one nearest to the last price."""
    found, drawings = _chart(context), context.state.drawings
    levels = sorted(drawings.book.levels(found[1]), key=lambda one: -one.price) if found else []
    if found is None or not levels:
        context.notes.append(f"there is no custom level here  \u00b7  {context.key('custom_level')} places one")
        return
    index, key = found
    chosen = context.pointed_level or _next(levels, drawings.last_edited)
    if chosen is None:
        last = int(context.markets[index].session["last_price"])
        chosen = min(levels, key=lambda one: abs(one.price - last))
    drawings.edited = index, key, chosen.id


def delete(context: Context) -> None:
    """Delete the level whose editor is open, otherwise the one at the mouse."""
    found, drawings = _chart(context), context.state.drawings
    if drawings.edited is not None:
        _, key, level_id = drawings.edited
    elif found is not None and context.pointed_level is not None:
        key, level_id = found[1], context.pointed_level.id
    else:
        context.notes.append(
            f"point at a custom level to delete it, or open its editor with {context.key('edit_level')}"
        )
        return
    drawings.edited = None
    edits_of(context.state).delete(key, level_id)
    context.notes.append(f"custom level deleted  \u00b7  {context.key('undo')} undoes")


def _chart(context: Context) -> tuple[int, str] | None:
    """Return index and drawing key of the focused or first chart; None if it has not traded yet."""
    index = context.focus or 0
    if index >= len(context.markets) or not context.markets[index].session["trade_count"]:
        return None
    market = context.markets[index]
    return index, drawing_key(market.symbol, market.requested)


def _next(levels: list[CustomLevel], last_id: str) -> CustomLevel | None:
    """Return the next level in a list, wrapping around; None if the level is not in it."""
    at = next((at for at, one in enumerate(levels) if one.id == last_id), None)
    return None if at is None else levels[(at + 1) % len(levels)]
