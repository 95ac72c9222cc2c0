"""The parameters of the detectors. docs/definitions.md says what each number does.

The user's name of a parameter is its detector, a dot and the parameter: `[absorption]` with `sd = 3` in TOML,
`--absorption-sd 3` on the command line. The engine's kernels read it by its field, `absorption_sd`.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from flow_gl.core.settings.declaration import DETECTORS, NUMBERS, Setting

_MAX_CONTRACTS: Final = 10_000_000


def parameter(name: str, text: str, low: float, high: float, *, written: str = "", heading: str = DETECTORS) -> Setting:
    """Declare a parameter from `low` to `high`, both included."""
    words = {"auto": 0.0} if written == "auto" else {}
    return Setting(
        name=name,
        help=f"{text}, {low:g} to {high:_}",
        allowed=f"{low:g} to {high:_}",
        metavar="N",
        ge=low,
        le=high,
        label=name.replace("_", " ").replace(".", ": "),
        words=words,
        written=written,
        commands=NUMBERS,
        heading=heading,
        while_running=True,
    )


def _switch(kind: str) -> Setting:
    """Declare the switch of a detector."""
    flag, label = kind.replace("_", "-"), kind.replace("_", " ")
    common: dict[str, Any] = {"commands": NUMBERS, "heading": DETECTORS, "while_running": True}
    return Setting(
        name=f"{kind}.on",
        help=f"detect {label}",
        flag=f"--{flag}/--no-{flag}",
        label=label,
        allowed="true or false",
        **common,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSettings:
    """The parameters of all detectors. A switch says whether a kind of event is detected."""

    zero_cross_on: Annotated[bool, _switch("zero_cross")] = True
    large_trade_on: Annotated[bool, _switch("large_trade")] = True
    large_trade_threshold: Annotated[
        int,
        parameter(
            "large_trade.threshold",
            "minimum contracts of a large trade; auto (0) finds it from the last hour's orders",
            *(0, _MAX_CONTRACTS),
            written="auto",
        ),
    ] = 0
    large_trade_most: Annotated[
        int,
        parameter("large_trade.most", "maximum orders per hour that may reach the automatic threshold", 1, 10_000),
    ] = 20
    absorption_on: Annotated[bool, _switch("absorption")] = True
    absorption_window_s: Annotated[
        int, parameter("absorption.window_s", "seconds of the window that absorption is tested over", 1, 60)
    ] = 5
    absorption_history_s: Annotated[
        int, parameter("absorption.history_s", "seconds of history that the window is compared with", 120, 900)
    ] = 600
    absorption_sd: Annotated[
        float, parameter("absorption.sd", "minimum delta of the window in standard deviations", 0, 100)
    ] = 2.5
    absorption_contracts: Annotated[
        float, parameter("absorption.contracts", "minimum delta of the window in contracts", 1, _MAX_CONTRACTS)
    ] = 20.0
    absorption_ticks: Annotated[
        float, parameter("absorption.ticks", "price move in ticks that is always allowed", 0, 10_000)
    ] = 1.0
    absorption_move_sd: Annotated[
        float, parameter("absorption.move_sd", "allowed price move in standard deviations", 0, 100)
    ] = 0.25
    absorption_range_ticks: Annotated[
        float, parameter("absorption.range_ticks", "price range in ticks that is always allowed", 0, 1000)
    ] = 4.0
    absorption_range_sd: Annotated[
        float, parameter("absorption.range_sd", "allowed price range in standard deviations of the move", 0, 100)
    ] = 1.5
    absorption_again_s: Annotated[
        float, parameter("absorption.again_s", "seconds without another absorption at the same price", 0, 600)
    ] = 15.0
    divergence_on: Annotated[bool, _switch("divergence")] = True
    divergence_bar_s: Annotated[int, parameter("divergence.bar_s", "seconds of a bar", 1, 3600)] = 15
    divergence_before: Annotated[int, parameter("divergence.before", "bars before a pivot", 1, 50)] = 5
    divergence_after: Annotated[int, parameter("divergence.after", "bars after a pivot", 1, 50)] = 3
    divergence_most_bars: Annotated[
        int, parameter("divergence.most_bars", "maximum bars between two pivots", 1, 10_000)
    ] = 60
    stacked_imbalance_on: Annotated[bool, _switch("stacked_imbalance")] = True
    stacked_imbalance_contracts: Annotated[
        int, parameter("stacked_imbalance.contracts", "minimum contracts of an imbalance", 1, _MAX_CONTRACTS)
    ] = 10
    stacked_imbalance_ratio: Annotated[
        float,
        parameter("stacked_imbalance.ratio", "minimum ratio to the other side's contracts one tick away", 1, 1000),
    ] = 3.0
    stacked_imbalance_ticks: Annotated[
        int, parameter("stacked_imbalance.ticks", "minimum number of adjacent ticks in a stack", 2, 100)
    ] = 3
