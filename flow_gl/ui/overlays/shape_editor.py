"""The editor of a drawing other than a level: its text and colour.

It opens beside the drawing's first point, or in the middle of the pane if that is not in view.
"""

from dataclasses import replace
from typing import ClassVar, Literal

from flow_gl.core.drawings import ANCHORED, LONGEST_TEXT, SHAPE_TITLES, ColorName, Shape
from flow_gl.layers.drawings.geometry import place
from flow_gl.ui.drawings.book import DrawingEdits
from flow_gl.ui.overlays.drawing_editor import DrawingEditor, EditContext, text_field


class ShapeEditor(DrawingEditor[Shape]):
    """Shows the shape of `state.drawings.edited_shape`."""

    popup: ClassVar[str] = "drawing"
    slot: ClassVar[Literal["edited_shape"]] = "edited_shape"

    def __init__(self) -> None:
        super().__init__()
        self._text = ""

    def find(self, edits: DrawingEdits, root: str, drawing_id: str) -> Shape | None:
        return edits.find_shape(root, drawing_id)

    def point(self, context: EditContext, drawing: Shape) -> tuple[float, float]:
        view, pane = context.scene.price_view, context.scene.price_view.rect
        x, y = place(view, drawing.start, context.tick_size)
        if not pane.x <= x < pane.right:
            x = pane.x + 0.5 * pane.width
        return x, y

    def take(self, context: EditContext, drawing: Shape) -> None:  # noqa: ARG002 - a text needs no tick size
        self._text = drawing.text

    def title(self, context: EditContext, drawing: Shape) -> str:
        return f"{SHAPE_TITLES[drawing.kind]} of {context.root}"

    def fields(self, context: EditContext, drawing: Shape) -> tuple[Shape, bool]:
        """Draw the text; a ruler has none."""
        if drawing.kind == "ruler":
            return drawing, False
        label = "label" if drawing.kind in ANCHORED else "text"
        self._text, is_entered, is_due = text_field(label, self._text)
        return (self.commit(context, drawing) if is_due else drawing), is_entered

    def commit(self, context: EditContext, drawing: Shape) -> Shape:
        changed = replace(drawing, text=" ".join(self._text.split())[:LONGEST_TEXT])
        context.edits.change_shape(context.root, changed)
        return changed

    def recolor(self, context: EditContext, drawing: Shape, color: ColorName) -> None:
        context.edits.change_shape(context.root, replace(drawing, color=color))

    def delete(self, context: EditContext, drawing: Shape) -> None:
        context.edits.delete_shape(context.root, drawing.id)
        context.state.drawings.selected = None
