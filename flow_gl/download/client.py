"""Databento's historical client, reduced to the calls that a download needs, with each error as one line."""

import errno
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flow_gl.core.errors import FeedError, UsageError
from flow_gl.core.log import mask, masked, protect
from flow_gl.core.outside import plain
from flow_gl.download.request import Request

if TYPE_CHECKING:
    import databento

_DISK_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
_Answer = TypeVar("_Answer")


class ConnectionLostError(FeedError):
    """The connection failed or was lost; the request can be retried."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Cost and size of a time range."""

    cost_usd: float
    nbytes: int
    """Uncompressed size, bytes, which is what Databento bills."""
    trades: int


class Client:
    """Access to the history with one key.

    Parameters
    ----------
    key : Databento key
    historical : client to use instead of one for Databento's own gateway (tests)
    note : called with each warning from the server

    Raises
    ------
    FeedError
        There is no key.
    """

    def __init__(
        self,
        key: str | None,
        *,
        historical: "databento.Historical | None" = None,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        if not key:
            raise FeedError("a Databento key is needed: set DATABENTO_API_KEY, in the environment or in .env")
        protect(key)
        self._key = key
        self._note = note
        if historical is None:
            import databento

            historical = databento.Historical(key)
        self._historical = historical

    def quote(self, request: Request, start_ns: int, end_ns: int) -> Quote:
        """Return the cost and size of a time range of a request. Raises FeedError, UsageError."""
        query = _query(request, start_ns, end_ns)
        metadata = self._historical.metadata
        return Quote(
            cost_usd=float(self._ask(lambda: metadata.get_cost(**query))),
            nbytes=int(self._ask(lambda: metadata.get_billable_size(**query))),
            trades=int(self._ask(lambda: metadata.get_record_count(**query))),
        )

    def count(self, request: Request, start_ns: int, end_ns: int) -> int:
        """Return the number of trades in a time range of a request. Raises FeedError, UsageError."""
        return int(self._ask(lambda: self._historical.metadata.get_record_count(**_query(request, start_ns, end_ns))))

    def fetch(self, request: Request, start_ns: int, end_ns: int, path: Path) -> None:
        """Stream a time range of a request into a new file; what arrived before a failure stays in it.

        Raises
        ------
        ConnectionLostError, FeedError, UsageError
        OSError
            The file cannot be written.
        """
        query = _query(request, start_ns, end_ns)

        def stream() -> None:
            self._historical.timeseries.get_range(**query, path=path)

        self._ask(stream)

    def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", ResourceWarning)  # the client leaves files to be closed by the collector
            with self._explained():
                answer = question()
        for warning in caught:
            if warning.category.__module__.startswith("databento"):
                self._note(masked(str(warning.message)))
        return answer

    @contextmanager
    def _explained(self) -> Iterator[None]:
        import databento
        import requests

        try:
            try:
                yield
            except Exception as error:
                # The client's file stays open, with its last bytes unwritten, while the traceback holds its frames.
                traceback.clear_frames(error.__traceback__)
                raise
        except databento.BentoClientError as error:
            raise self._refusal(error) from error
        except databento.BentoServerError as error:
            raise ConnectionLostError(f"Databento server error ({error.http_status}): {_line(error)}") from error
        except databento.BentoError as error:
            cause = error.__context__  # the client wraps every failure while streaming, also of the disk
            if isinstance(cause, OSError) and cause.errno in _DISK_ERRORS:
                raise cause from error
            raise ConnectionLostError(f"the download was interrupted: {_line(error)}") from error
        except requests.RequestException as error:
            raise ConnectionLostError(f"Databento cannot be reached: {_line(error)}") from error
        except ValueError as error:
            raise FeedError(f"Databento's answer cannot be read: {_line(error)}") from error

    def _refusal(self, error: "databento.BentoClientError") -> FeedError | UsageError:
        if error.http_status == 401:
            return FeedError(f"Databento refused the key {mask(self._key)}")
        if error.http_status in (408, 429):
            return ConnectionLostError(f"Databento rate limit, try again later ({error.http_status}): {_line(error)}")
        if error.http_status in (400, 422):
            return UsageError(f"Databento cannot serve this request: {_line(error)}")
        return FeedError(f"Databento refused ({error.http_status}): {_line(error)}")


def _query(request: Request, start_ns: int, end_ns: int) -> dict[str, Any]:
    return {
        "dataset": request.dataset,
        "symbols": list(request.symbols),
        "schema": "trades",
        "stype_in": request.stype_in,
        "start": start_ns,
        "end": end_ns,
    }


def _line(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error)
    return plain(masked(str(message)), 300)
