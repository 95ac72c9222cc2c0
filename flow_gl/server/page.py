"""Serves the browser page over HTTP: the files of web/, and the program's shaders, palettes and font.

Everything is read and compressed once, at startup. A request is a dictionary look-up, so no name in a request reaches
the file system. The content security policy forbids inline scripts and styles, and anything from another host.
"""

import gzip
import hashlib
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from aiohttp import web

from flow_gl.core.errors import UsageError
from flow_gl.core.market.lod import REFERENCE_STEPS, THRESHOLD
from flow_gl.core.palette import PALETTES
from flow_gl.core.system.fonts import font_path
from flow_gl.protocol.columns import flat
from flow_gl.protocol.kinds import FORMS, Kind

MAX_BYTES: Final = 150_000
"""Maximum size of the page as sent, without the font."""
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".ttf": "font/ttf",
}
_RECORDS: Final = (
    *(Kind.PROFILE, Kind.SESSION, Kind.LEVELS, Kind.EVENT, Kind.GAP, Kind.ROLL),
    *(Kind.FINISHED_SESSION, Kind.MINUTE_LEVELS),
)
"""Kinds that the page reads as records. The columns of the other kinds are built into the page."""
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # revalidated on every use; 304 while unchanged
    "Vary": "Accept-Encoding",
}


def page_folder(name: str) -> Path:
    """Return a folder that is part of the installation: `web` or `shaders`. Raises UsageError if it is missing."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise UsageError(f"the browser page is missing: expected {package / name}; install flow_gl again")


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page.

    Attributes
    ----------
    body : uncompressed
    packed : compressed with gzip, or the same as `body` where gzip does not shrink it
    tag : value of the ETag header
    """

    content_type: str
    body: bytes
    packed: bytes
    tag: str


def load() -> dict[str, File]:
    """Read the page's files, by URL path; the page itself is "". Raises UsageError, DisplayError."""
    folder = page_folder("web")
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in _TYPES
    }
    found[""] = found.pop("index.html")
    found["chart.json"] = _declared(folder)
    for is_bold in (False, True):
        path = font_path(is_bold=is_bold)
        found[f"fonts/{path.name}"] = path.read_bytes()
    return {name: _file(Path(name or "index.html").suffix, body) for name, body in found.items()}


def _file(suffix: str, body: bytes) -> File:
    packed = gzip.compress(body, 9, mtime=0)
    is_shorter = len(packed) < len(body)
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    return File(_TYPES[suffix], body, packed if is_shorter else body, tag)


def _declared(folder: Path) -> bytes:
    """Return the page's data from the program.

    These are the shaders by name, with the page's own `row_texel`, the palettes, the rules of sizes and colours, and
    the columns of rows on the wire.
    """
    shaders = {path.name: path.read_text("utf-8") for path in page_folder("shaders").rglob("*") if path.is_file()}
    shaders |= {path.name: path.read_text("utf-8") for path in folder.glob("*.glsl")}
    columns = {int(kind): _columns(FORMS[kind].dtype) for kind in _RECORDS}
    return msgspec.json.encode(
        {
            "shaders": shaders,
            "palettes": {name: asdict(palette) for name, palette in PALETTES.items()},
            "reference_steps": REFERENCE_STEPS,
            "threshold": THRESHOLD,
            "columns": columns,
        }
    )


def _columns(dtype: np.dtype) -> list[tuple[str, str, int]]:
    """Return the columns of a row type on the wire: name, type (i: integer, f: float, s: 8 bytes of text) and count.

    A field that is an array has one column per element; `count` is their number.
    """
    found: list[tuple[str, str, int]] = []
    for column in flat(dtype).names or ():
        field: np.dtype = dtype
        for part in re.findall(r"[a-z_]+", column):
            assert field.fields is not None
            field = field.fields[part][0].base
        name = re.sub(r"(:\d+|\[\d+\])$", "", column)
        count = 1
        if found and found[-1][0] == name:
            count += found.pop()[2]
        found.append((name, {"f": "f", "S": "s"}.get(field.kind, "i"), count))
    return found


class Page:
    """The handler of the page's files."""

    def __init__(self, files: dict[str, File]) -> None:
        self._files: Final = files

    def add_routes(self, app: web.Application) -> None:
        """Add one path for each file."""
        for name in self._files:
            app.router.add_get(f"/{name}", self.file)

    async def file(self, request: web.Request) -> web.Response:
        """Send a file, compressed if the browser accepts gzip; 304 if the browser has the current version."""
        file = self._files[request.path.removeprefix("/")]
        headers = {**_HEADERS, "ETag": file.tag, "Content-Type": file.content_type}
        if request.headers.get("If-None-Match") == file.tag:
            return web.Response(status=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            if file.packed is not file.body:
                headers["Content-Encoding"] = "gzip"
            return web.Response(body=file.packed, headers=headers)
        return web.Response(body=file.body, headers=headers)
