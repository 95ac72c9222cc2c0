"""Outrights are recognised by their symbol; the built-in table."""

import pytest

from flow_gl.core.market.instrument import builtin, is_outright_symbol, is_spread_symbol, root_of, symbol_from
from flow_gl.core.schema import TickSource


@pytest.mark.parametrize(
    ("symbol", "root"),
    [
        ("NQZ5", "NQ"),
        ("NQZ25", "NQ"),
        ("ESH4", "ES"),
        ("M2KU6", "M2K"),
        ("6EZ5", "6E"),
        ("MESM5", "MES"),
        ("NGZ25", "NG"),
        ("NQ.v.0", "NQ"),
        ("ES.c.1", "ES"),
        ("M2K.n.0", "M2K"),
    ],
)
def test_single_futures_are_outrights(symbol: str, root: str) -> None:
    assert is_outright_symbol(symbol)
    assert root_of(symbol) == root


@pytest.mark.parametrize(
    ("symbol", "root"),
    [
        ("NQZ5-NQH6", "NQ"),
        ("ESH5-ESM5", "ES"),
        ("NQ.FUT", "NQ"),
        ("ES.OPT", "ES"),
        ("ESZ5 C5000", "ES"),
        ("ES:BF Z5-H6-M6", ""),
        ("UD:1V: VT 2024", ""),
        ("SPY", ""),
        ("NQ", ""),
        ("", ""),
        ("nqz5", ""),
        ("NQZ5\n", ""),
        ("NQZ٣", ""),
    ],
)
def test_spreads_options_parents_and_others_are_not_outrights(symbol: str, root: str) -> None:
    assert not is_outright_symbol(symbol)
    assert root_of(symbol) == root


@pytest.mark.parametrize("symbol", ["NQZ5-NQH6", "ESH5-ESM5", "ES:BF Z5-H6-M6", "UD:1V: VT 2024"])
def test_spreads_are_recognised_by_their_symbol(symbol: str) -> None:
    assert is_spread_symbol(symbol)


@pytest.mark.parametrize("symbol", ["NQZ5", "SPY", "BRK-B", "ESZ5 C5000", "NQ.v.0", ""])
def test_futures_shares_and_options_are_not_spreads(symbol: str) -> None:
    assert not is_spread_symbol(symbol)


@pytest.mark.parametrize(
    ("symbol", "tick", "point_value", "decimals"),
    [
        ("NQZ5", 250_000_000, 20, 2),
        ("ES.v.0", 250_000_000, 50, 2),
        ("MNQH6", 250_000_000, 2, 2),
        ("MESH6", 250_000_000, 5, 2),
        ("RTYH6", 100_000_000, 50, 1),
        ("M2KH6", 100_000_000, 5, 1),
        ("YMH6", 1_000_000_000, 5, 0),
        ("MYMH6", 1_000_000_000, 0.5, 0),
    ],
)
def test_index_futures_are_in_the_table(symbol: str, tick: int, point_value: float, decimals: int) -> None:
    instrument = builtin(symbol)
    assert instrument is not None
    assert (instrument.tick_size, instrument.point_value, instrument.decimals) == (tick, point_value, decimals)
    assert instrument.tick_source == TickSource.TABLE
    assert instrument.root == root_of(symbol)


@pytest.mark.parametrize("symbol", ["NQZ5-NQH6", "CLZ5", "NQ.FUT", ""])
def test_the_table_has_no_spreads_or_other_products(symbol: str) -> None:
    assert builtin(symbol) is None


@pytest.mark.parametrize(
    ("text", "stype_in", "symbol"),
    [
        ("cl", "continuous", "CL.v.0"),
        (" es.C.1 ", "continuous", "ES.c.1"),
        ("NQ.FUT", "continuous", ""),
        ("NQZ5-NQH6", "continuous", ""),
        ("", "continuous", ""),
        ("nqz5-nqh6", "raw_symbol", "NQZ5-NQH6"),
        ("é", "raw_symbol", ""),
        ("158704", "instrument_id", "158704"),
        ("NQZ5", "instrument_id", ""),
        ("NQZ5", "", ""),
    ],
)
def test_a_typed_text_means_a_symbol_of_the_feeds_type(text: str, stype_in: str, symbol: str) -> None:
    assert symbol_from(text, stype_in) == symbol
