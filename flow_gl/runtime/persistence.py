"""The storage of a session: the recorder, which reads the tape, and archive and bus, which read the charts' rings.

Recorder and archive, of a live session alone, run on their own threads, the bus's publisher is a separate process:
none of them delays anything else. Their errors are reported in the status; the chart continues.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from flow_gl.core.clock import Clock
from flow_gl.core.errors import UsageError
from flow_gl.core.items import FileEnd, FileStart, Item, Trades
from flow_gl.core.log import get_logger
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import LiveSpec
from flow_gl.core.system.folders import recordings_dir
from flow_gl.core.system.packages import install_advice
from flow_gl.feed.live.hours import MEMORY_NS
from flow_gl.runtime.meters import StatusBoard
from flow_gl.runtime.publishing import Publishing
from flow_gl.runtime.recovered import NOTHING, Recorded, recorded_of
from flow_gl.services.recording.file import ExpectedRun
from flow_gl.services.recording.folder import Retention
from flow_gl.services.recording.recorder import Recorder, RecorderState
from flow_gl.store.market import MarketStore
from flow_gl.store.ring import Ring

if TYPE_CHECKING:
    from flow_gl.services.archive.writer import Archive


class Persistence:
    """The recorder and the archive of a live session, and the bus, each if enabled.

    Parameters
    ----------
    spec : of a live session; None for another feed
    publishing : of the charts on a bus; None for none

    Raises
    ------
    UsageError : the archive's URL is not of a supported database, or its packages are not installed
    """

    def __init__(self, spec: LiveSpec | None, clock: Clock, publishing: Publishing | None = None) -> None:
        # One calendar each: a calendar must not be shared between threads.
        self._archive: Final = None if spec is None or spec.archive == "off" else _archive(spec.archive)
        self._recorder: Final = _recorder(spec, clock) if spec is not None and spec.recording else None
        self._publishing: Final = publishing
        self._tape: Ring | None = None
        self._archived: Final[list[MarketStore]] = []

    def start(self, tape: Ring) -> None:
        """Start, before the first trade."""
        self._tape = tape
        if self._recorder:
            # The feed begins with the recording's trades and gaps; the gateway brings the rest.
            self._recorder.start(tape, position=tape.head, expected=ExpectedRun(repeats_gaps=False), reach_ns=_REACH_NS)
        if self._archive:
            self._archive.start()

    def recorded(self) -> Recorded | None:
        """Return, once, the contents of the running session's recording; None while it is still being read."""
        if self._recorder is None:
            return NOTHING
        if not self._recorder.is_open:
            return None
        found = self._recorder.take_recovered()
        return recorded_of(found) if found else NOTHING

    def keep_charts(self, stores: list[MarketStore]) -> None:
        """Archive charts that were added since the last call, no longer those that were removed, and publish these."""
        for store in stores:
            if self._archive and store not in self._archived:
                self._archive.add(store)
                self._archived.append(store)
        for store in [store for store in self._archived if store not in stores]:
            self._archived.remove(store)
            if self._archive:
                self._archive.finish(store)
        if self._publishing:
            self._publishing.follow([store.name for store in stores])

    def configure(self, settings: AggregationSettings) -> None:
        """Describe the published charts with changed settings."""
        if self._publishing:
            self._publishing.configure(settings)

    def note(self, item: Item) -> None:
        """Take a mapping, a definition or a gap, in order with the trades."""
        if self._recorder and self._tape and not isinstance(item, Trades | FileStart | FileEnd):
            self._recorder.note(item, position=self._tape.head)

    def waiting(self) -> int:
        """Return how many trades on the tape must not be overwritten yet; 0 while the disk fails."""
        if not self._recorder:
            return 0
        status = self._recorder.status()
        return status.waiting if status.state in _HOLDING else 0

    def publish(self, board: StatusBoard) -> None:
        """Publish the counts of written and waiting rows, and problems."""
        row, lines, is_wrong = board.row, [], False
        if self._recorder:
            recording = self._recorder.status()
            row["is_recording"], row["unrecorded"] = 1, recording.waiting
            row["recorded"] = recording.trades + recording.already
            lines.append(recording.message)
            if recording.missed:
                lines.append(
                    f"{recording.missed:,} trades are missing from the recording: the next start fills them in"
                )
            is_wrong = recording.state is RecorderState.FAILING or recording.missed > 0
        if self._archive:
            archive = self._archive.status()
            row["is_archiving"], row["archived"], row["unarchived"] = 1, archive.rows, archive.waiting
            lines.append(archive.message)
            is_wrong = is_wrong or bool(archive.message)
        if self._publishing:
            self._publishing.poll(row)
            lines.append(self._publishing.message)
        row["unkept"] = is_wrong
        board.text("keeping", "; ".join(line for line in lines if line))

    def close(self) -> None:
        """Write the remaining rows, for a few seconds at most. Idempotent."""
        for part in (self._recorder, self._archive, self._publishing):
            if part:
                part.close()

    def lost(self) -> str:
        """Return which data were not written, and why, one line; "" if all were. Call it after `close`."""
        lines = []
        recording = self._recorder.status() if self._recorder else None
        if recording and (trades := recording.waiting + recording.missed):
            reason = recording.message.removeprefix("recording has stopped: ").partition(";")[0]
            lines.append(
                f"{trades:,} trades are not recorded: {reason or 'the disk does not respond'};"
                " the next start asks the gateway for them"
            )
        archive = self._archive.status() if self._archive else None
        if archive and archive.message:
            lines.append(archive.message)
        if self._publishing and (unpublished := self._publishing.lost()):
            lines.append(unpublished)
        return "; ".join(lines)


_REACH_NS: Final = MEMORY_NS - 300_000_000_000
"""How far back a replay can safely be requested, allowing for the time until the request."""
_HOLDING: Final = (RecorderState.WAITING, RecorderState.RECORDING)


def _recorder(spec: LiveSpec, clock: Clock) -> Recorder:
    return Recorder(
        Path(spec.record_dir) if spec.record_dir else recordings_dir(),
        dataset=spec.dataset,
        session_of=SessionCalendar().session_at,
        clock=clock,
        keep=Retention(
            days=spec.keep_days or None,
            nbytes=None if spec.keep_gb is None else round(spec.keep_gb * 1e9),
        ),
    )


def _archive(url: str | None) -> "Archive | None":
    """Create the archive; None if its packages are missing and it was not requested explicitly."""
    try:
        from flow_gl.services.archive.database import default_url
        from flow_gl.services.archive.writer import Archive
    except ModuleNotFoundError as error:
        if url is None:
            get_logger("engine").warning("no archive", extra={"missing": error.name})
            return None
        raise UsageError(f"the archive needs {error.name}: {install_advice('archive')}") from None
    return Archive(url or default_url(), session_of=SessionCalendar().session_of_trade)
