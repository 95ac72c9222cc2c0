"""Actions on workspaces: switch to one by its number, save the one in use."""

from flow_gl.ui.input.action import Action, Context, Run
from flow_gl.ui.workspaces.manager import Manager, manager_in

MAX_KEYS = 9
"""Workspaces with a key: the first ones in alphabetical order."""


def actions() -> tuple[Action, ...]:
    """Return the actions, in the order of help and menus."""
    return (
        *(
            Action(f"workspace_{number}", f"Workspace {number}", (f"ctrl+{number}",), "Workspaces", _switch(number))
            for number in range(1, MAX_KEYS + 1)
        ),
        Action(
            "save_workspace", "Save the workspace", ("ctrl+shift+w",), "Workspaces", _save, menus=("header", "chart")
        ),
    )


def _switch(number: int) -> Run:
    def run(context: Context) -> None:
        saved = context.state.workspaces
        saved.refresh()
        names = saved.names()
        if number > len(names):
            there = f"there are {len(names)}" if names else "none is saved yet"
            context.notes.append(f"no workspace {number}: {there}  \u00b7  {context.key('workspaces')} shows them")
            return
        _note(context, _manager(context).switch(names[number - 1]))

    return run


def _save(context: Context) -> None:
    saved = context.state.workspaces
    if saved.current:
        _note(context, _manager(context).save_as(saved.current))
        return
    if not context.state.is_panel_open("workspaces"):
        context.state.toggle_panel("workspaces")
    context.notes.append("give the workspace a name")


def _note(context: Context, note: str) -> None:
    """Show what was done; "" comes from a secondary window: the main one answers."""
    if note:
        context.notes.append(note)


def _manager(context: Context) -> Manager:
    return manager_in(context.state, context.plot_width_px, context.markets)
