"""Virtual displays, and a window manager on them, for tests with a real window on a machine without a screen."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.kit.waiting import PATIENCE_S, until

_NO_REPEAT: Final = ("-r",)
"""Keys do not repeat: a server that is late to take a release would type a letter twice."""


@contextmanager
def virtual_display(
    width: int = 1920, height: int = 1080, *, is_killed: bool = False
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run Xvfb and yield its DISPLAY and process. Skips the test if Xvfb is not installed.

    Parameters
    ----------
    is_killed : kill Xvfb at the end, like a display that dies
    """
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed (make test installs it on Debian and Ubuntu)")
    command = ["Xvfb", "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset", *_NO_REPEAT]
    with _running(command, is_killed=is_killed) as found:
        yield found


@contextmanager
def _running(
    command: list[str], *, is_killed: bool = False, may_fail: bool = False
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run an X server on a free display; yield its DISPLAY and process.

    Parameters
    ----------
    may_fail : skip the test if the server does not start
    """
    reader, writer = os.pipe()
    command = [*command, "-displayfd", str(writer)]
    server = subprocess.Popen(command, pass_fds=[writer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        os.close(writer)
        with os.fdopen(reader) as answer:
            number = answer.readline().strip()
        if not number:
            complaint = f"{command[0]} did not start: exit code {server.wait()}"
            (pytest.skip if may_fail else pytest.fail)(complaint)
        yield f":{number}", server
    finally:
        if is_killed:
            server.kill()
        else:
            server.terminate()
        server.wait()


_DUMMY: Final = """
Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "AutoAddGPU" "false"
  Option "DontVTSwitch" "true"
EndSection
Section "Device"
  Identifier "card"
  Driver "dummy"
  VideoRam 65536
EndSection
Section "Monitor"
  Identifier "monitor"
  HorizSync 5-1000
  VertRefresh 5-200
  Modeline "1280x720" 74.50 1280 1344 1472 1664 720 723 728 748
  Modeline "1024x600" 49.00 1024 1072 1168 1312 600 603 613 624
EndSection
Section "Screen"
  Identifier "screen"
  Device "card"
  Monitor "monitor"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Virtual 2560 1440
  EndSubSection
EndSection
"""


@dataclass(frozen=True, slots=True)
class Monitors:
    """A display with the monitors DUMMY0, the primary one, and DUMMY1, which can be plugged in and out.

    Attributes
    ----------
    display : its DISPLAY
    """

    display: str

    def plug(self, name: str, mode: str, place: str) -> None:
        """Connect a monitor with a mode ("1024x600"), its corner at a place on the screen ("1280x0")."""
        self._xrandr("--output", name, "--mode", mode, "--pos", place)
        self._xrandr("--query")  # makes the server look at its outputs: now it is connected

    def unplug(self, name: str) -> None:
        self._xrandr("--output", name, "--off")

    def reset(self) -> None:
        """Connect both, side by side: 1280x720 and 1024x600."""
        self._xrandr("--output", "DUMMY0", "--mode", "1280x720", "--pos", "0x0", "--primary")
        self.plug("DUMMY1", "1024x600", "1280x0")

    def add_mode(self, name: str, mode: str) -> None:
        self._xrandr("--addmode", name, mode)

    def _xrandr(self, *words: str) -> None:
        environment = {**os.environ, "DISPLAY": self.display}
        subprocess.run(["xrandr", *words], env=environment, check=True, capture_output=True, timeout=PATIENCE_S)


@contextmanager
def two_monitors(folder: Path) -> Iterator[Monitors]:
    """Run an X server with two monitors, for which Xvfb has no outputs.

    Skips the test where it is not installed, and for a user whom the system does not let run it.

    Parameters
    ----------
    folder : for its configuration and log
    """
    if shutil.which("Xorg") is None or shutil.which("xrandr") is None:
        pytest.skip("Xorg with its dummy driver, or xrandr, is not installed (make test installs them on Debian)")
    config = folder / "xorg.conf"
    config.write_text(_DUMMY, encoding="utf-8")
    log = folder / "xorg.log"
    command = ["Xorg", "-config", str(config), "-logfile", str(log), "-nolisten", "tcp", "-noreset", "-novtswitch"]
    command += _NO_REPEAT
    with _running(command, may_fail=os.geteuid() != 0) as (display, _):
        monitors = Monitors(display)
        for mode in ("1280x720", "1024x600"):
            monitors.add_mode("DUMMY1", mode)
        monitors.reset()
        yield monitors


@dataclass(frozen=True, slots=True)
class WaylandDesktop:
    """A running Wayland desktop: its process, and the variables by which programs find it."""

    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]

    def end(self) -> None:
        """End it, as when a desktop crashes."""
        self.process.kill()
        self.process.wait()


@contextmanager
def wayland_desktop() -> Iterator[WaylandDesktop]:
    """Run Sway without a screen, with the outputs HEADLESS-1 (1280x720) and HEADLESS-2 (1024x600).

    Skips the test where Sway is not installed. As root it is run as nobody, because it refuses to run as root.
    """
    if shutil.which("sway") is None:
        pytest.skip("sway is not installed (make test installs it on Debian and Ubuntu)")
    # Short, because of the sockets in it, and outside of pytest's folders, which only their user may enter.
    with tempfile.TemporaryDirectory(prefix="wl-") as folder:
        config = Path(folder) / "config"
        config.write_text(_SWAY, encoding="utf-8")
        command = ["sway", "-c", str(config)]
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
            config.chmod(0o644)
            command = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *command]
        own = {
            **{"XDG_RUNTIME_DIR": folder, "HOME": folder, "WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman"},
            **{"WLR_HEADLESS_OUTPUTS": "2", "WLR_LIBINPUT_NO_DEVICES": "1"},
        }
        outer = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        process = subprocess.Popen(
            command, env={**outer, **own}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
        )
        try:
            until(lambda: any(Path(folder).glob("sway-ipc.*.sock")), "sway did not start")
            (display,) = (path.name for path in Path(folder).glob("wayland-*") if path.suffix != ".lock")
            (control,) = Path(folder).glob("sway-ipc.*.sock")
            found = {"XDG_RUNTIME_DIR": folder, "WAYLAND_DISPLAY": display, "SWAYSOCK": str(control)}
            yield WaylandDesktop(process, {**outer, **found})
        finally:
            process.kill()
            process.wait()


_NOBODY: Final = 65534
_SWAY: Final = """
xwayland disable
output HEADLESS-1 resolution 1280x720 position 0,0
output HEADLESS-2 resolution 1024x600 position 1280,0
for_window [app_id=".*"] floating enable
"""


@contextmanager
def window_manager(display: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a window manager on a display and yield its process. Skips the test if jwm is not installed.

    Parameters
    ----------
    folder : for its configuration: no panel, one desktop
    """
    if shutil.which("jwm") is None:
        pytest.skip("jwm is not installed (make test installs it on Debian and Ubuntu)")
    config = folder / "jwmrc"
    config.write_text("<?xml version='1.0'?><JWM><Desktops width='1' height='1'/></JWM>", encoding="utf-8")
    environment = {**os.environ, "DISPLAY": display}
    manager = subprocess.Popen(
        ["jwm", "-f", str(config)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: _is_managed(environment), "jwm did not start")
        yield manager
    finally:
        manager.terminate()
        manager.wait()


def _is_managed(environment: dict[str, str]) -> bool:
    command = ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return "window id" in said.stdout
