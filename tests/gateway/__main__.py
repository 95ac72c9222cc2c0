"""The gateway process: `python -m tests.gateway --published N [--port P]`. Commands are JSON lines on standard input.

It greets, challenges (CRAM), authenticates, takes subscriptions with `start`, and streams DBN: metadata, mappings,
definitions, the replay, then what the market's tape publishes. The tape moves only on command, so that a test knows
what was sent when; each command is answered with one line once everything it sends has been sent.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.gateway import records
from tests.gateway.tape import CONTRACTS, DATASET, ES, KEY, NQ, OPEN_NS, Contract, make_tape

AUTH_FAILED = "Authentication failed."


@dataclass
class Session:
    """One connection."""

    writer: asyncio.StreamWriter
    plan: dict[str, Any]
    options: dict[str, str] = field(default_factory=dict)
    subscriptions: list[dict[str, str]] = field(default_factory=list)
    instruments: set[int] = field(default_factory=set)
    encode: records.Encoder | None = None
    is_streaming: bool = False
    sent_bytes: int = 0
    """All bytes of this connection, from the greeting on."""
    sent_until: int = 0
    """Number of the tape's trades that it has seen, requested or not."""

    def write(self, data: bytes) -> None:
        self.sent_bytes += len(data)
        self.writer.write(data)

    def pick(self, rows: np.ndarray) -> bytes:
        """Return those of the trades that were requested."""
        return rows[np.isin(rows["instrument_id"], list(self.instruments))].tobytes()

    async def send(self, data: bytes) -> None:
        if self.writer.is_closing() or self.encode is None:
            return
        self.write(self.encode(data))
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    def reset(self) -> None:
        raw = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):  # the client closed the connection, and so did the loop
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Market:
    """The tape and the number of trades published."""

    def __init__(self, tape: np.ndarray, published: int) -> None:
        self.tape = tape
        self.published = published
        self.oldest = 0
        """Index of the first trade that the gateway still holds."""
        self.names = {NQ.requested: NQ, ES.requested: ES}

    def continued(self, published: int) -> "Market":
        return Market(self.tape, published)

    @property
    def ts(self) -> int:
        """The gateway's clock: shortly after the newest published trade."""
        return int(self.tape["ts_event"][max(self.published - 1, 0)]) + 1_000_000

    def replay(self, start: int, instruments: set[int]) -> np.ndarray:
        rows = self.tape[self.oldest : self.published]
        return rows[(rows["ts_event"] >= start) & np.isin(rows["instrument_id"], list(instruments))]


class Gateway:
    def __init__(self, market: Market) -> None:
        self.market = market
        self.sessions: list[Session] = []
        self.history: list[Session] = []
        self.plans: list[dict[str, Any]] = []
        self.is_mute = False
        self.server: asyncio.Server | None = None
        self.port = 0

    async def listen(self, port: int) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(writer, self.plans.pop(0) if self.plans else {})
        self.history.append(session)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if await self.authenticate(session, reader):
                await self.stream(session)
                self.sessions.append(session)
                await reader.read()  # a client sends nothing more; this ends with the connection
        if session in self.sessions:  # unless the day was reset
            self.sessions.remove(session)
        writer.close()

    async def authenticate(self, session: Session, reader: asyncio.StreamReader) -> bool:
        """Do greeting, challenge, answer and subscriptions. Return False if this connection's fault ends it here."""
        plan = session.plan
        if plan.get("hang_up"):
            return False
        if plan.get("mute"):
            await reader.read()
            return False
        if plan.get("babble"):
            session.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await reader.read()
            return False
        challenge = secrets.token_hex(16)
        session.write(b"lsg_version=0.6.1\n" + f"cram={challenge}\n".encode())
        session.options = parse(await reader.readline())
        answer = hashlib.sha256(f"{challenge}|{KEY}".encode()).hexdigest() + "-" + KEY[-5:]
        refusal = plan.get("refuse")
        if refusal is None and (session.options.get("auth") != answer or session.options.get("dataset") != DATASET):
            refusal = AUTH_FAILED
        if refusal is not None:
            session.write(f"success=0|error={refusal}\n".encode())
            await session.writer.drain()
            return False
        session.write(f"success=1|session_id={secrets.randbelow(10**9)}\n".encode())
        while True:
            line = parse(await reader.readline())
            if not line or "start_session" in line:
                break
            session.subscriptions.append(line)
        return bool(line)

    async def stream(self, session: Session) -> None:
        plan, market = session.plan, self.market
        session.encode = records.Encoder(session.options.get("compression", "none"))
        if plan.get("silent"):
            return
        await session.send(records.metadata())
        if "error" in plan:
            await session.send(records.error(*plan["error"], market.ts))
            session.writer.close()
            return
        for subscription in session.subscriptions:
            if not await self.open_subscription(session, subscription):
                return
        while session.sent_until < market.published:  # what happened while the replay was being sent
            rows = market.tape[session.sent_until : market.published]
            session.sent_until = market.published
            await session.send(session.pick(rows))
        session.is_streaming = True

    async def open_subscription(self, session: Session, subscription: dict[str, str]) -> bool:
        plan, market = session.plan, self.market
        named = [name for name in subscription["symbols"].split(",") if name in market.names]
        for name in set(subscription["symbols"].split(",")) - set(named):
            text = f"Could not resolve symbol {name} in dataset {DATASET}"
            await session.send(records.error(4, text, market.ts))
        contracts = [market.names[name] for name in named]
        mappings = b"".join(records.mapping(market.names[name], name, market.ts) for name in named)
        is_trades = subscription["schema"] == "trades"
        has_definitions = not plan.get("no_definitions")
        if has_definitions if not is_trades else not plan.get("late_mapping"):
            await session.send(mappings)
        if not is_trades:
            if has_definitions:
                await session.send(b"".join(records.definition(contract) for contract in contracts))
            await session.send(records.system(3, "Finished definition replay", market.ts))
            return True
        session.instruments = {contract.instrument_id for contract in contracts}
        session.sent_until = market.published
        if "start" in subscription:
            start = int(subscription["start"])
            if 0 < start < int(market.tape["ts_event"][market.oldest]) and market.oldest:
                await session.send(records.error(8, "Replay data for trades is no longer retained", market.ts))
                session.writer.close()
                return False
            rows = market.replay(start, session.instruments)
            part = rows[: plan["replay_only"]] if "replay_only" in plan else rows
            await session.send(part.tobytes())
            if len(part) < len(rows):
                session.writer.close()
                return False
            if plan.get("late_mapping"):
                await session.send(mappings)
            if not plan.get("never_done"):
                await session.send(records.system(3, "Finished trades replay", market.ts))
        return True

    async def command(self, command: dict[str, Any]) -> dict[str, Any]:
        do = command.pop("do")
        return await getattr(self, f"do_{do}")(**command) or {}

    async def do_fresh(self, published: int) -> None:
        """Reset everything: a new day without connections."""
        await self.do_reset()
        self.sessions, self.history, self.plans = [], [], []
        self.is_mute = False
        self.market = self.market.continued(published)
        if self.server is None:
            await self.listen(self.port)

    async def do_publish(self, count: int, in_two: bool = False) -> None:
        """Publish trades; with `in_two`, the network splits a record in the middle."""
        market = self.market
        rows = market.tape[market.published : market.published + count]
        market.published += len(rows)
        if self.is_mute:
            return
        for session in [session for session in self.sessions if session.is_streaming]:
            data = session.pick(rows)
            middle = len(data) // 2 // 48 * 48 + 20 if in_two else 0
            if middle:
                await session.send(data[:middle])
                await asyncio.sleep(0.05)
            await session.send(data[middle:])

    async def do_skip(self, count: int) -> None:
        """Skip trades, as for a client that is too slow."""
        self.market.published += count
        await self.send(records.error(7, f"Skipped {count} records to catch up", self.market.ts))

    async def do_mute(self, on: bool) -> None:
        """Let trades happen without sending them."""
        self.is_mute = on

    async def do_heartbeat(self, ts: int = 0) -> None:
        """Send a heartbeat; `ts` if time has passed since the newest trade."""
        await self.send(records.system(0, "Heartbeat", ts or self.market.ts))

    async def do_system(self, code: int, text: str) -> None:
        await self.send(records.system(code, text, self.market.ts))

    async def do_error(self, code: int, text: str, close: bool = True) -> None:
        await self.send(records.error(code, text, self.market.ts))
        if close:
            await self.do_end()

    async def do_raw(self, hex: str) -> None:  # noqa: A002  - the command's word
        await self.send(bytes.fromhex(hex))

    async def do_metadata(self) -> None:
        await self.send(records.metadata())

    async def do_half_record(self) -> None:
        """Send half a trade and close the connection."""
        row = self.market.tape[self.market.published : self.market.published + 1]
        await self.send(row.tobytes()[:20])
        await self.do_end()

    async def do_rename(self, requested: str, symbol: str) -> None:
        """Map the symbol to another contract from now on, also on running connections."""
        contract = next(contract for contract in CONTRACTS if contract.symbol == symbol)
        self.market.names[requested] = contract
        for session in self.sessions:
            session.instruments.add(contract.instrument_id)
        await self.send(records.mapping(contract, requested, self.market.ts))

    async def do_remap(self, requested: str, symbol: str) -> None:
        """Map the symbol to another contract for new connections."""
        self.market.names[requested] = next(contract for contract in CONTRACTS if contract.symbol == symbol)

    async def do_quiet(self, requested: str) -> None:
        """Let a symbol mean a contract that never trades."""
        number, symbol = 900 + len(self.market.names), requested.replace(".v.0", "Z5")
        self.market.names[requested] = Contract(number, symbol, requested, NQ.price, NQ.point_value)

    async def do_forget(self, before: int) -> None:
        """Drop the trades before this one from the replay."""
        self.market.oldest = before

    async def do_reset(self) -> None:
        for session in self.sessions:
            session.reset()

    async def do_end(self) -> None:
        for session in self.sessions:
            session.writer.close()

    async def do_listen(self, on: bool) -> None:
        if on:
            await self.listen(self.port)
        elif self.server is not None:
            self.server.close()
            self.server = None

    async def do_plan(self, plan: dict[str, Any]) -> None:
        self.plans.append(plan)

    async def do_sent(self) -> dict[str, Any]:
        """Return the bytes sent to each connection that streams, by the client's port."""
        open_ones = [session for session in self.sessions if not session.writer.is_closing()]
        return {str(session.writer.get_extra_info("peername")[1]): session.sent_bytes for session in open_ones}

    async def do_stats(self) -> dict[str, Any]:
        return {
            "published": self.market.published,
            "streaming": len([session for session in self.sessions if session.is_streaming]),
            "connections": [
                {"options": session.options, "subscriptions": session.subscriptions} for session in self.history
            ],
        }

    async def send(self, data: bytes) -> None:
        for session in list(self.sessions):
            await session.send(data)


def parse(line: bytes) -> dict[str, str]:
    tokens = (token.partition("=") for token in line.decode().strip().split("|"))
    return {key: value for key, _, value in tokens if key}


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--published", type=int, default=0)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--step-ns", type=int, default=40_000_000)
    parser.add_argument("--open-ns", type=int, default=OPEN_NS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--by-calendar", action="store_true")
    options = parser.parse_args()
    tape = make_tape(
        options.count,
        seed=options.seed,
        step_ns=options.step_ns,
        open_ns=options.open_ns,
        by_calendar=options.by_calendar,
    )
    market = Market(tape, options.published)
    gateway = Gateway(market)
    await gateway.listen(options.port)
    sys.stdout.write(json.dumps({"port": gateway.port}) + "\n")
    sys.stdout.flush()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        answer = await gateway.command(json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    os._exit(0)  # connections and all


if __name__ == "__main__":
    asyncio.run(main())
