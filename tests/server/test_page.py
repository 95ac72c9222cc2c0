"""The browser page as files: what it consists of, how it is sent, and that it says what the program says."""

import asyncio
import re
from typing import Final

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from flow_gl.core.palette import PALETTES
from flow_gl.core.schema import FINISHED_SESSION, SESSION
from flow_gl.gl.shaders import shader_folder
from flow_gl.layers.base import LAYERS
from flow_gl.protocol.columns import flat
from flow_gl.protocol.kinds import FORMS, Kind
from flow_gl.server.page import MAX_BYTES, File, Page, load, page_folder
from flow_gl.ui.input.actions import ACTIONS

FILES: Final = load()
KEYS: Final = {
    "up_arrow": "arrowup",
    "down_arrow": "arrowdown",
    "left_arrow": "arrowleft",
    "right_arrow": "arrowright",
    "page_up": "pageup",
    "page_down": "pagedown",
    "space": " ",
}
"""Keys whose names differ between Dear ImGui and browsers."""

OWN_TITLES: Final = {"undo", "pause"}
"""The page undoes less, and pauses only its picture."""


def text(name: str) -> str:
    return FILES[name].body.decode()


def without_fonts() -> dict[str, File]:
    return {name: file for name, file in FILES.items() if not name.startswith("fonts/")}


def test_the_whole_page_is_at_most_150_kb_as_it_is_sent() -> None:
    assert sum(len(file.packed) for file in without_fonts().values()) <= MAX_BYTES


def test_the_page_needs_nothing_from_elsewhere_and_no_inline_script_or_style() -> None:
    html = text("")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|javascript:", html)
    for name, file in without_fonts().items():
        found = re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}", file.body.decode())
        assert not [url for url in found if "www.w3.org" not in url], name


def test_every_import_and_reference_is_a_file_of_the_page() -> None:
    for name, file in FILES.items():
        if not name.endswith(".js"):
            continue
        for target in re.findall(r'^import .*? from "(.+?)";$', file.body.decode(), flags=re.MULTILINE | re.DOTALL):
            parts = [*name.split("/")[:-1]]
            for part in target.split("/"):
                if part == "..":
                    parts.pop()
                elif part != ".":
                    parts.append(part)
            assert "/".join(parts) in FILES, f"{name} imports {target}"
    for reference in re.findall(r'(?:src|href)="([^"]+)"', text("")) + re.findall(r"url\((.+?)\)", text("style.css")):
        assert reference in FILES


def test_all_modules_are_asked_for_at_once() -> None:
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', text(""))
    assert preloaded == sorted(name for name in FILES if name.endswith(".js"))


def test_the_page_uses_the_programs_shaders_palettes_and_rows() -> None:
    declared = msgspec.json.decode(FILES["chart.json"].body)
    for path in shader_folder().rglob("*.*"):
        own = page_folder("web") / path.name
        assert declared["shaders"][path.name] == (own if own.is_file() else path).read_text("utf-8")
    assert declared["palettes"]["light"]["buy"] == list(PALETTES["light"].buy)
    names = [name for name, _, count in declared["columns"][str(int(Kind.FINISHED_SESSION))] for _ in range(count)]
    assert len(names) == len(flat(FINISHED_SESSION).names or ())
    types = {name: kind for name, kind, _ in declared["columns"][str(int(Kind.SESSION))]}
    assert list(types) == list(SESSION.names or ())
    assert types["vwap"] == "f"
    assert types["cvd"] == "i"
    texts = {name: (kind, count) for name, kind, count in declared["columns"][str(int(Kind.ROLL))]}
    assert texts["to_symbol"] == ("s", FORMS[Kind.ROLL].dtype["to_symbol"].itemsize // 8)


def test_keys_and_titles_are_those_of_the_program() -> None:
    pattern = r'\[\s*"(\w+)",\s*"([^"]+)",\s*\[([^\]]+)\],\s*"(?:Picture|Engine|Replay|Program)"'
    found = re.findall(pattern, text("ui/actions.js").replace('["]"', '["\x00"'))
    by_name = {action.name: action for action in ACTIONS}
    assert len(found) >= 20
    for name, title, keys in found:
        action = by_name[name]
        assert title == action.title or name in OWN_TITLES
        of_page = {key.replace("\x00", "]") for key in re.findall(r'"([^"]+)"', keys)}
        expected = set()
        for key in action.keys:
            head, plus, tail = key.rpartition("+")
            expected.add(key if key in ("+", "-") else f"{head}{plus}{KEYS.get(tail, tail)}")
        assert of_page == expected, name


def test_layers_have_the_programs_names_and_titles() -> None:
    block = re.search(r"export const LAYERS = \{(.*?)\};", text("ui/menu.js"), re.DOTALL)
    assert block is not None
    found = dict(re.findall(r'(\w+): "([^"]+)"', block[1]))
    assert len(found) >= 15
    assert found == {name: LAYERS[name] for name in found}


def answer(path: str, **headers: str) -> tuple[int, CIMultiDict[str], bytes]:
    async def ask() -> tuple[int, CIMultiDict[str], bytes]:
        app = web.Application()
        Page(FILES).add_routes(app)
        async with (
            TestClient(TestServer(app), auto_decompress=False) as client,
            client.get(path, headers=headers, skip_auto_headers=["Accept-Encoding"]) as got,
        ):
            return got.status, CIMultiDict(got.headers), await got.read()

    return asyncio.run(ask())


def test_files_are_sent_compressed_with_a_policy_and_once() -> None:
    status, headers, body = answer("/main.js", **{"Accept-Encoding": "gzip, br"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert body == FILES["main.js"].packed
    assert headers["Content-Type"].startswith("text/javascript")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, headers, body = answer("/main.js", **{"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")
    assert answer("/")[2] == FILES[""].body


@pytest.mark.parametrize("path", ["/../pyproject.toml", "/%2e%2e/pyproject.toml", "/web/main.js", "/nothing.js"])
def test_only_the_pages_own_files_are_served(path: str) -> None:
    assert answer(path)[0] == 404
