"""The shapes of a frame: lines, bands, rings and plates in screen pixels, drawn in one call in the order added."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.frozen import frozen
from flow_gl.core.palette import Rgb
from flow_gl.gl.batch import Batch
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.resources import SharedResources

_FLOATS: Final = 12
_FIRST_ROWS: Final = 128
_SOLID, _DASH, _HATCH, _RING, _FADE, _ROUNDED, _TRIANGLE, _SLANT = (float(kind) for kind in range(8))


@frozen
class Hatch:
    """Diagonal stripes, framebuffer pixels.

    Attributes
    ----------
    period : distance from stripe to stripe
    stripe : width of a stripe
    phase : shifts the stripes; pass what is cut off at the left, so that they move with their band
    """

    period: float
    stripe: float
    phase: float = 0.0


class ShapeBatch(Batch):
    """Shapes in framebuffer pixels, origin top left. All lengths are pixels; `alpha` is 0..1.

    `upload` and `draw` are separate, because layers upload in `update` and must not in `draw`.
    """

    def __init__(self, resources: SharedResources, counters: FrameCounters) -> None:
        super().__init__(_FLOATS, _FIRST_ROWS, resources.row_drawing, counters)
        self._program: Final = resources.shaders.program("shape")

    def rect(self, x: float, y: float, width: float, height: float, color: Rgb, *, alpha: float = 1.0) -> None:
        """Add a filled rectangle. With a height or width of one pixel it is a line."""
        self._values += (x, y, width, height, *color, alpha, _SOLID, 0.0, 0.0, 0.0)

    def dashed(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        color: Rgb,
        *,
        alpha: float = 1.0,
        period: float,
        dash: float,
    ) -> None:
        """Add a dashed line along the longer side."""
        self._values += (x, y, width, height, *color, alpha, _DASH, period, dash, 0.0)

    def hatched(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        color: Rgb,
        *,
        hatch: Hatch,
        alpha: float = 1.0,
    ) -> None:
        """Add diagonal stripes."""
        self._values += (x, y, width, height, *color, alpha, _HATCH, hatch.period, 0.5 * hatch.stripe, hatch.phase)

    def ring(
        self, x: float, y: float, radius: float, thickness: float, color: Rgb, *, alpha: float = 1.0, dashes: int = 0
    ) -> None:
        """Add a circle outline around a centre; the line lies inside the radius. With `dashes` it is broken."""
        reach = radius + 0.5
        box = x - reach, y - reach, 2 * reach, 2 * reach
        self._values += (*box, *color, alpha, _RING, 0.5 * thickness, float(dashes), 0.62)

    def line(
        self, a: tuple[float, float], b: tuple[float, float], thickness: float, color: Rgb, *, alpha: float = 1.0
    ) -> None:
        """Add a straight line between two points."""
        padding = 0.5 * thickness + 1.0
        left, top = min(a[0], b[0]) - padding, min(a[1], b[1]) - padding
        size = abs(b[0] - a[0]) + 2 * padding, abs(b[1] - a[1]) + 2 * padding
        falls = 1.0 if (b[0] - a[0]) * (b[1] - a[1]) >= 0 else -1.0
        self._values += (left, top, *size, *color, alpha, _SLANT, 0.5 * thickness, padding, falls)

    def steps(
        self,
        xs: NDArray[np.float64],
        ys: NDArray[np.float64],
        end: float,
        thickness: float,
        color: Rgb,
        *,
        alpha: float = 1.0,
    ) -> None:
        """Add a line that steps to `ys[i]` at `xs[i]` (rising, float64, whole pixels) and ends at `end`."""
        thickness = max(1.0, round(thickness))
        # Points in one column of pixels are one: the last.
        shown = np.append(xs[1:], end) > xs
        xs, ys = xs[shown], ys[shown]
        if not len(xs):
            return
        rights, lows, highs = np.append(xs[1:], end), np.minimum(ys[1:], ys[:-1]), np.maximum(ys[1:], ys[:-1])
        self.boxes((xs, ys, rights - xs, np.full(len(xs), thickness)), color, alpha)
        self.boxes((xs[1:], lows, np.full(len(lows), thickness), highs - lows), color, alpha)

    def segments(
        self,
        xs: NDArray[np.float64],
        ys: NDArray[np.float64],
        joined: NDArray[np.bool_],
        thickness: float,
        color: Rgb,
        *,
        alpha: float = 1.0,
    ) -> None:
        """Add straight lines from point i to point i + 1 where `joined[i]`: float64 (n,) and bool (n - 1,)."""
        self.curves(xs, ys[None], joined, [(thickness, color, alpha)])

    def curves(
        self,
        xs: NDArray[np.float64],
        ys: NDArray[np.float64],
        joined: NDArray[np.bool_],
        looks: Sequence[tuple[float, Rgb, float]],
    ) -> None:
        """Add several lines over the same points in x, each as `segments` adds one.

        Parameters
        ----------
        xs : float64, shape (n,)
        ys : of each line, float64, shape (lines, n)
        joined : bool, shape (n - 1,)
        looks : thickness, colour and opacity of each line
        """
        if len(xs) < 2:
            return
        thick = np.array([[look[0]] for look in looks])
        padding = 0.5 * thick + 1.0
        left, right, a, b = xs[:-1][joined], xs[1:][joined], ys[:, :-1][:, joined], ys[:, 1:][:, joined]
        rows = np.zeros((*a.shape, _FLOATS), np.float32)
        rows[..., 0], rows[..., 1] = left - padding, np.minimum(a, b) - padding
        rows[..., 2], rows[..., 3] = right - left + 2 * padding, np.abs(b - a) + 2 * padding
        rows[..., 4:8] = [[(*color, alpha)] for _, color, alpha in looks]
        rows[..., 8], rows[..., 9], rows[..., 10] = _SLANT, 0.5 * thick, padding
        rows[..., 11] = np.where(b >= a, 1.0, -1.0)
        self._put_many(rows.reshape(-1, _FLOATS))

    def boxes(self, boxes: tuple[NDArray[np.float64], ...], color: Rgb, alpha: float) -> None:
        """Add filled rectangles: x, y, width and height, each float64, shape (n,)."""
        rows = np.zeros((len(boxes[0]), _FLOATS), np.float32)
        for column, values in enumerate(boxes):
            rows[:, column] = values
        rows[:, 4:8], rows[:, 8] = (*color, alpha), _SOLID
        self._put_many(rows)

    def fade(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        color: Rgb,
        *,
        alpha: float = 1.0,
        towards: tuple[int, int],
    ) -> None:
        """Add a gradient that is strongest at one side: (1, 0) right, (-1, 0) left, (0, 1) bottom, (0, -1) top."""
        self._values += (x, y, width, height, *color, alpha, _FADE, float(towards[0]), float(towards[1]), 0.0)

    def plate(
        self, x: float, y: float, width: float, height: float, color: Rgb, *, alpha: float = 1.0, radius: float
    ) -> None:
        """Add a rounded rectangle."""
        self._values += (x, y, width, height, *color, alpha, _ROUNDED, radius, 0.0, 0.0)

    def triangle(
        self, x: float, y: float, width: float, height: float, color: Rgb, *, alpha: float = 1.0, points_up: bool
    ) -> None:
        """Add a triangle that fills its box."""
        self._values += (x, y, width, height, *color, alpha, _TRIANGLE, 1.0 if points_up else -1.0, 0.0, 0.0)

    def draw(self, width_px: int, height_px: int) -> None:
        """Draw the uploaded shapes onto a framebuffer of this size."""
        if self._uploaded:
            self._program.use()
            self._program.set_target(width_px, height_px)
            self._drawing.quads(self._stream.texture, 0, self._uploaded, self._counters)
