"""Sets of parameters for `detect`, from `--set NAME=VALUE` and `--grid NAME=A:B:STEP`."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import product
from pathlib import Path
from typing import Final

from flow_gl.core import config as sources
from flow_gl.core.errors import UsageError
from flow_gl.core.settings import AGGREGATION, DECLARED, DETECTION, AggregationSettings

MAX_SETS: Final = 1000
"""Most sets of parameters of one study."""


def parameter_sets(
    given: Sequence[str], grids: Sequence[str], *, config: Path | None = None
) -> tuple[list[AggregationSettings], list[dict[str, float]]]:
    """Return every set of parameters, and by set the values of the parameters that differ, by name.

    Parameters
    ----------
    given : like `absorption.sd=3`
    grids : like `absorption.sd=2:4:0.5`; several make every combination, the last one changing fastest
    config : TOML file of the other settings

    Raises
    ------
    UsageError : a parameter is unknown, a value is out of range, or a grid is empty or too large
    """
    fixed: dict[str, str] = {}
    for text in given:
        name, value = _parted(text, "--set", "absorption.sd=3")
        if name in fixed:
            raise UsageError(f"--set {text}: {name} is given twice")
        fixed[name] = value
    axes: dict[str, list[str]] = {}
    for text in grids:
        name, value = _parted(text, "--grid", "absorption.sd=2:4:0.5")
        if name in axes or name in fixed:
            raise UsageError(f"--grid {text}: {name} is given twice")
        axes[name] = _values(text, value)
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > MAX_SETS:
        raise UsageError(f"--grid: {count:,} combinations, at most {MAX_SETS:,} are compared at once")
    settings: list[AggregationSettings] = []
    differing: list[dict[str, float]] = []
    for chosen in product(*axes.values()):
        sets = fixed | dict(zip(axes, chosen, strict=True))
        one = sources.load(sets=sets, config=config).aggregation
        settings.append(one)
        differing.append({name: float(getattr(one, DECLARED[name].field)) for name in axes})
    return settings, differing


def _parted(text: str, flag: str, example: str) -> tuple[str, str]:
    """Split NAME=VALUE and check the name. Raises UsageError."""
    name, sign, value = (part.strip() for part in text.partition("="))
    if not (name and sign and value):
        raise UsageError(f"{flag} {text}: expected a parameter and its value, like {example}")
    known = sorted(AGGREGATION[field].name for field in DETECTION)
    if name not in known:
        raise UsageError(f"{flag} {text}: {name} is not a parameter of the detectors{sources.nearest(name, known)}")
    return name, value


def _values(text: str, value: str) -> list[str]:
    """Return the values of a grid, as a user would write each of them. Raises UsageError."""
    if ":" not in value:
        values = [part.strip() for part in value.split(",") if part.strip()]
        if len(set(values)) < len(values):
            raise UsageError(f"--grid {text}: a value is given twice")
        return values
    try:
        start, stop, step = (Decimal(part.strip()) for part in value.split(":"))
    except (InvalidOperation, ValueError):
        raise UsageError(f"--grid {text}: expected from:to:step, like 2:4:0.5, or a list, like 2,3,5") from None
    if not (start.is_finite() and stop.is_finite() and step.is_finite() and step > 0):
        raise UsageError(f"--grid {text}: expected a step above 0, got {step}")
    if stop < start:
        raise UsageError(f"--grid {text}: the grid is empty: {stop} is below {start}")
    count = int((stop - start) / step) + 1
    if count > MAX_SETS:
        raise UsageError(f"--grid {text}: {count:,} values, at most {MAX_SETS:,} are compared at once")
    return [f"{(start + number * step).normalize():f}" for number in range(count)]
