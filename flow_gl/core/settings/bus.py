"""The settings of a bus: where the charts are published, and how to log in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from flow_gl.core.settings import checks
from flow_gl.core.settings.declaration import DRAWING, ENGINES, SERVE, Setting
from flow_gl.core.settings.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSettings:
    """The settings of a bus, and of the certificates that it shares with a server."""

    ca: Annotated[
        Path | None,
        Setting(
            help="file of the certificates that a wss:// server or a tls:// bus is verified with",
            unset="the system's",
            commands=DRAWING,
            heading=SERVE,
            metavar="PEM",
        ),
    ] = None
    bus: Annotated[
        str | None,
        Setting(
            help="publish the charts on this bus: nats://HOST:PORT[,HOST:PORT], or tls://",
            unset="none",
            commands=ENGINES,
            heading=SERVE,
            metavar="URL",
            check=checks.bus,
        ),
    ] = None
    bus_login: Annotated[
        Secret | None,
        Setting(
            help="USER:PASSWORD or a token for a bus; FLOW_GL_BUS_LOGIN is safer, because flags show in process lists",
            commands=DRAWING,
            heading=SERVE,
            metavar="LOGIN",
            given_as=str,
            check=Secret,
        ),
    ] = None
    bus_creds: Annotated[
        Path | None,
        Setting(
            help="NATS credentials file, or file with the seed of an nkey, for a bus",
            unset="none",
            commands=DRAWING,
            heading=SERVE,
            metavar="FILE",
        ),
    ] = None
