"""The faults of a soak test, drawn from a seed: each fault of docs/reliability.md after which no trade is missing."""

import random
from collections.abc import Callable
from typing import Final

from benchmarks.local_gateway import Gateway

Fault = Callable[[random.Random, Gateway, "Market"], None]


class Market:
    """What a fault can do besides sending the gateway commands, as functions of the soak test.

    Parameters
    ----------
    publish : publish a number of trades, and count them
    away : expect no trades for a number of seconds, or with "mute" until the feed notices the silence
    sleep : simulate a sleep of the machine for a number of seconds
    """

    def __init__(
        self,
        *,
        publish: Callable[..., None],
        away: Callable[[float, str], None],
        sleep: Callable[[float], None],
    ) -> None:
        self.publish: Final = publish
        self.away: Final = away
        self.sleep: Final = sleep


def _reset(_rng: random.Random, gateway: Gateway, _market: Market) -> None:
    gateway("reset")


def _clean_end(_rng: random.Random, gateway: Gateway, _market: Market) -> None:
    gateway("end")


def _garbage(rng: random.Random, gateway: Gateway, _market: Market) -> None:
    gateway("raw", hex=rng.randbytes(rng.randrange(50, 400)).hex())


def _half_a_record(_rng: random.Random, gateway: Gateway, _market: Market) -> None:
    gateway("half_record")


def _record_in_two(rng: random.Random, _gateway: Gateway, market: Market) -> None:
    market.publish(rng.randrange(2, 60), in_two=True)


def _metadata(_rng: random.Random, gateway: Gateway, _market: Market) -> None:
    gateway("metadata")


def _skipped(rng: random.Random, _gateway: Gateway, market: Market) -> None:
    market.publish(rng.randrange(1, 60), do="skip")


def _slow_reader(_rng: random.Random, gateway: Gateway, _market: Market) -> None:
    gateway("system", code=2, text="Session is behind real time")


def _internal_error(_rng: random.Random, gateway: Gateway, _market: Market) -> None:
    gateway("error", code=6, text="Internal error")


def _silence(_rng: random.Random, gateway: Gateway, market: Market) -> None:
    gateway("mute", on=True)
    market.away(0.0, "mute")


def _refused(rng: random.Random, gateway: Gateway, market: Market) -> None:
    gateway("listen", on=False)
    gateway("reset")
    market.away(rng.uniform(5.0, 120.0), "listen")


def _broken_replays(rng: random.Random, gateway: Gateway, _market: Market) -> None:
    for _ in range(rng.randrange(1, 4)):
        gateway("plan", plan={"replay_only": rng.randrange(1, 300)})
    gateway("reset")


def _bad_start(rng: random.Random, gateway: Gateway, _market: Market) -> None:
    plan = rng.choice(({"hang_up": True}, {"silent": True}, {"mute": True}, {"babble": True}, {"late_mapping": True}))
    gateway("plan", plan=plan)
    gateway("reset")


def _sleep(rng: random.Random, _gateway: Gateway, market: Market) -> None:
    market.sleep(rng.uniform(30.0, 3600.0))


def _burst(rng: random.Random, _gateway: Gateway, market: Market) -> None:
    market.publish(rng.randrange(500, 3000))


FAULTS: Final[dict[str, Fault]] = {
    "reset": _reset,
    "clean end": _clean_end,
    "garbage": _garbage,
    "half a record": _half_a_record,
    "record in two": _record_in_two,
    "metadata": _metadata,
    "skipped records": _skipped,
    "slow reader": _slow_reader,
    "internal error": _internal_error,
    "silence": _silence,
    "refused": _refused,
    "broken replays": _broken_replays,
    "bad start": _bad_start,
    "sleep": _sleep,
    "burst": _burst,
}
"""All faults by name."""
