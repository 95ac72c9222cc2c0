"""What the gateway sends, as bytes: metadata, records, and the stream's compression."""

import databento_dbn as dbn
import zstandard

from flow_gl.core.units import DAY_NS, SECOND_NS
from tests.gateway.tape import DATASET, OPEN_NS, Contract


def metadata() -> bytes:
    return bytes(
        dbn.Metadata(
            dataset=DATASET,
            start=OPEN_NS,
            stype_in=None,
            stype_out=dbn.SType.INSTRUMENT_ID,
            schema=None,
            version=3,
        )
    )


def mapping(contract: Contract, requested: str, ts_event: int) -> bytes:
    return bytes(
        dbn.SymbolMappingMsg(
            publisher_id=0,
            instrument_id=contract.instrument_id,
            ts_event=ts_event,
            stype_in=dbn.SType.CONTINUOUS,
            stype_in_symbol=requested,
            stype_out=dbn.SType.RAW_SYMBOL,
            stype_out_symbol=contract.symbol,
            start_ts=OPEN_NS,
            end_ts=OPEN_NS + DAY_NS,
        )
    )


def definition(contract: Contract) -> bytes:
    return bytes(
        dbn.InstrumentDefMsg(
            publisher_id=1,
            instrument_id=contract.instrument_id,
            ts_event=OPEN_NS - SECOND_NS,
            ts_recv=OPEN_NS - SECOND_NS,
            min_price_increment=250_000_000,
            display_factor=1_000_000_000,
            raw_symbol=contract.symbol,
            asset=contract.symbol[:2],
            security_type="FUT",
            instrument_class=dbn.InstrumentClass.FUTURE,
            security_update_action=dbn.SecurityUpdateAction.ADD,
            unit_of_measure_qty=contract.point_value * 1_000_000_000,
        )
    )


def system(code: int, text: str, ts_event: int) -> bytes:
    return bytes(dbn.SystemMsg(ts_event=ts_event, msg=text, code=dbn.SystemCode.from_int(code)))


def error(code: int, text: str, ts_event: int) -> bytes:
    return bytes(dbn.ErrorMsg(ts_event=ts_event, err=text, code=dbn.ErrorCode.from_int(code)))


class Encoder:
    """Compresses the stream: each call returns bytes that contain the records completely."""

    def __init__(self, compression: str) -> None:
        self._zstd = zstandard.ZstdCompressor().compressobj() if compression == "zstd" else None

    def __call__(self, data: bytes) -> bytes:
        if self._zstd is None:
            return data
        return self._zstd.compress(data) + self._zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
