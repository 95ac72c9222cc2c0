"""The editor of a custom level: name, price, colour and alert. It opens beside the level's line."""

from dataclasses import replace
from typing import ClassVar, Literal

from imgui_bundle import imgui

from flow_gl.core.drawings import LONGEST_NAME, ColorName, CustomLevel
from flow_gl.core.errors import UsageError
from flow_gl.core.units import price_from_text
from flow_gl.layers.drawings.levels import snapped
from flow_gl.ui.alerts.rules import ACT_WORDS
from flow_gl.ui.drawings.book import DrawingEdits, alert_of
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.drawing_editor import DrawingEditor, EditContext, text_field
from flow_gl.ui.overlays.panels import base


class LevelEditor(DrawingEditor[CustomLevel]):
    """Shows the level of `state.drawings.edited`."""

    popup: ClassVar[str] = "custom level"
    slot: ClassVar[Literal["edited"]] = "edited"

    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self._price = ""

    def find(self, edits: DrawingEdits, root: str, drawing_id: str) -> CustomLevel | None:
        return edits.find(root, drawing_id)

    def point(self, context: EditContext, drawing: CustomLevel) -> tuple[float, float]:
        """On the line: at the mouse if it is over the chart, otherwise at the right edge."""
        view, dense = context.scene.price_view, imgui.get_io().display_framebuffer_scale.x
        mouse = imgui.get_mouse_pos()
        x = mouse.x * dense if view.rect.contains(mouse.x * dense, mouse.y * dense) else view.rect.right
        return x, view.screen_y(drawing.price / context.tick_size)

    def take(self, context: EditContext, drawing: CustomLevel) -> None:
        self._name, self._price = drawing.name, words.price(drawing.price, context.tick_size)

    def title(self, context: EditContext, drawing: CustomLevel) -> str:  # noqa: ARG002 - one title for all levels
        return f"Custom level of {context.root}"

    def fields(self, context: EditContext, drawing: CustomLevel) -> tuple[CustomLevel, bool]:
        self._name, is_name_entered, is_due = text_field("name", self._name)
        if is_due:
            drawing = self.commit(context, drawing)
        self._price, is_price_entered, is_due = text_field("price", self._price)
        if is_due:
            drawing = self.commit(context, drawing)
        return drawing, is_name_entered or is_price_entered

    def commit(self, context: EditContext, drawing: CustomLevel) -> CustomLevel:
        self.problem, price = "", drawing.price
        if self._price != words.price(drawing.price, context.tick_size):
            try:
                price = price_from_text(self._price.strip().replace(words.MINUS, "-"))
            except UsageError as error:
                self.problem = str(error)
            else:
                price = snapped(price, context.tick_size)
        changed = replace(drawing, name=" ".join(self._name.split())[:LONGEST_NAME], price=price)
        context.edits.change(context.root, changed)
        if not self.problem:
            self.take(context, changed)
        return changed

    def recolor(self, context: EditContext, drawing: CustomLevel, color: ColorName) -> None:
        context.edits.change(context.root, replace(drawing, color=color))

    def more(self, context: EditContext, drawing: CustomLevel) -> None:
        """Draw whether the level has an alert, and what that does."""
        rule = alert_of(context.edits.rules, drawing.id)
        changed, is_on = imgui.checkbox("alert when price reaches it", rule is not None and rule[1].on)
        if changed:
            self.problem = context.edits.set_alert(context.root, drawing.id, is_on=is_on)
        if rule is not None:
            acts = ", ".join(ACT_WORDS[act] for act in rule[1].do)
            base.hint(f"{acts}; change what it does in the alerts panel ({key_label(context.state.keys, 'alerts')})")

    def delete(self, context: EditContext, drawing: CustomLevel) -> None:
        context.edits.delete(context.root, drawing.id)
