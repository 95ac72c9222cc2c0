"""Text from outside becomes one printable line that keeps its beginning."""

import logging

import pytest

from flow_gl.core.log import _Formatter
from flow_gl.core.outside import NAME_CHARS, cell, is_name, name, plain

HOSTILE = [
    "refused\r\n\x1b[31mred\x1b[0m\x07 %s%n [bold]x[/bold] \u202eevil\u202c\u2028end",
    "nul\0inside\0",
    "\ud800 lone surrogate",
    "\u200bhidden\ufeff",
    "x" * 1_000_000,
    " \t\n" * 500_000,
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_becomes_one_printable_line_of_bounded_length(text: str) -> None:
    for limit in (16, 240):
        line = plain(text, limit)
        assert len(line) <= limit
        assert line.isprintable()
        assert line.encode("utf-8").decode("utf-8") == line


def test_the_beginning_of_a_long_text_is_kept_even_without_a_space() -> None:
    reason = "maintenance-until-18:00-" + "x" * 800_000
    assert plain(reason).startswith("maintenance-until-18:00-xxx")
    assert plain(reason).endswith("\u2026")
    assert plain(b"caf\xe9 \xff open") == "caf\ufffd \ufffd open"


def test_plain_words_are_unchanged() -> None:
    for text in ("symbol not found: NQ.v.0", "50% done", "café", "a" * 240):
        assert plain(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_every_kept_name_can_be_read_back(text: str) -> None:
    kept = name(text)
    assert kept == "" or is_name(kept)
    assert name(kept) == kept
    assert name(text.encode("utf-8", "replace")) == "" or is_name(name(text.encode("utf-8", "replace")))


def test_names_of_exchanges_are_unchanged() -> None:
    for symbol in ("NQZ5", "NQZ5-NQH6", "ES.v.0", "UD:1V: VT 2309 4500", "BRK.B", "x" * NAME_CHARS):
        assert name(symbol) == symbol
        assert name(symbol.encode() + b"\0\0") == symbol


def test_a_name_that_a_spreadsheet_would_execute_is_text_in_a_table() -> None:
    assert cell('=HYPERLINK("http://x")') == '\'=HYPERLINK("http://x")'
    assert cell("NQZ5-NQH6") == "NQZ5-NQH6"


def test_a_log_record_is_one_line_whatever_it_contains() -> None:
    record = logging.makeLogRecord({"msg": "refused: %s", "args": (HOSTILE[0],), "name": "x", "why": "a\nb\x1b[2J"})
    line = _Formatter("engine").format(record)
    assert line.isprintable()
    assert "refused:" in line
    assert "why=" in line
    long = logging.makeLogRecord({"msg": "refused", "name": "x", "why": "y" * 1_000_000})
    assert len(_Formatter("engine").format(long)) < 4_000


def test_a_traceback_in_the_log_keeps_its_lines() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        record = logging.makeLogRecord({"msg": "fault", "exc_info": (type(error), error, error.__traceback__)})
    lines = _Formatter("engine").format(record).splitlines()
    assert len(lines) > 2
    assert lines[-1] == "ValueError: broken"
