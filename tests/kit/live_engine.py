"""An engine process on a live session of the local gateway, with a recording and an archive."""

from pathlib import Path

from flow_gl.core.spec import KEY_VARIABLE, EngineSpec, LiveSpec
from flow_gl.view.engine_link.supervisor import EngineLink
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import KEY
from tests.kit.exchange_hours import shift_now, shifted


def live_engine(gateway: GatewayProcess, folder: Path, *symbols: str) -> EngineLink:
    """Start an engine on symbols, as if it were within trading hours; recording and archive go to a folder."""
    spec = LiveSpec(
        symbols=symbols,
        gateway="127.0.0.1",
        port=gateway.port,
        record_dir=str(folder / "recordings"),
        archive=f"sqlite:///{folder / 'archive.db'}",
    )
    return EngineLink.start(EngineSpec(feed=spec), environment=shifted(shift_now()) | {KEY_VARIABLE: KEY})
