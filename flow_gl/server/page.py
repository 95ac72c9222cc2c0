"""The browser page: the files of web/, the shaders and palettes of the program, and its font, over HTTP.

All of it is read and compressed once, at the start: a request is a look-up, and no name in a request reaches the file
system. Nothing is loaded from anywhere else, and no script or style stands in the HTML, which is what the policy in the
headers allows.
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

MOST_BYTES: Final = 150_000
"""The whole page as it is sent, without the font."""
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
"""Kinds that the page reads as records; it knows the columns of the others."""
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # asked for again each time, answered with 304 while it is the same
    "Vary": "Accept-Encoding",
}


def page_folder(name: str) -> Path:
    """Return a folder that is shipped with the program: `web` or `shaders`. Raises UsageError if it is missing."""
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
    body : as it is
    packed : compressed with gzip; as it is where that gains nothing
    tag : value of the header ETag
    """

    content_type: str
    body: bytes
    packed: bytes
    tag: str


def load() -> dict[str, File]:
    """Read the page: each file by its path in a URL; the page itself is "". Raises UsageError, DisplayError."""
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
    """Return what the program declares and the page uses: the shaders by name, with the page's way to read a row, the
    palettes, the rule of sizes and colours, and the columns of the rows on the wire."""
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
    """Return the columns of a row type on the wire: name, type (i: integer, f: float, s: 8 bytes of a text), and how
    many columns in a row have this name; they are the elements of an array."""
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
        """Answer with a file, compressed if the browser takes that; 304 if the browser has it."""
        file = self._files[request.path.removeprefix("/")]
        headers = {**_HEADERS, "ETag": file.tag, "Content-Type": file.content_type}
        if request.headers.get("If-None-Match") == file.tag:
            return web.Response(status=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            if file.packed is not file.body:
                headers["Content-Encoding"] = "gzip"
            return web.Response(body=file.packed, headers=headers)
        return web.Response(body=file.body, headers=headers)
