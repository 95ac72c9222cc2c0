"""Alerts in the view: badge, sounds, notifications, log, and the line about those that did not sound."""

from types import SimpleNamespace

import numpy as np
import pytest

from flow_gl.core.alerts import ALERT, Condition
from flow_gl.core.commands import SetAlerts
from flow_gl.core.schema import FeedState
from flow_gl.core.units import HOUR_NS, SECOND_NS
from flow_gl.ui.alerts import rule_file
from flow_gl.ui.alerts.center import LOUD_SPEED, MAX_A_SECOND, AlertCenter, Now
from flow_gl.ui.alerts.rule_file import KeptRules
from flow_gl.ui.alerts.rules import Rule, RuleBook
from flow_gl.ui.link import LinkState
from tests.kit.local_link import OPENED, LocalLink, add_cross


class Speaker:
    """A sound device that takes every sound immediately, or never."""

    def __init__(self, *, works=True):
        self.works, self.played, self.problem, self.volume = works, [], "" if works else "no sound device", 1.0

    def prepare(self):
        pass

    def play(self, samples):
        if not self.works:
            return None
        self.played.append(samples)
        return SimpleNamespace(is_played=True)

    def close(self):
        pass


class Rig:
    """An alert center over a local link."""

    def __init__(self, *rules, speaker=None, **more):
        self.link = LocalLink("NQZ5")
        self.speaker = speaker or Speaker()
        self.messages = []
        notifier = SimpleNamespace(send=lambda *message: self.messages.append(message), problem="", close=lambda: None)
        kept = KeptRules(RuleBook(rules or (Rule(name="cross", when="event", event="zero_cross"),)), **more)
        self.center = AlertCenter(kept, sounder=self.speaker, notifier=notifier)
        self.wall_ns = self.link.now_ns
        self.notes = []
        self.center._start_listening = lambda: None  # tests call `listen` themselves
        self.link.engine.refresh()
        self.look()

    def look(self, *, after_s=0.0, is_muted=False, event_ns=None):
        self.wall_ns += int(after_s * SECOND_NS)
        event_ns = self.wall_ns if event_ns is None else event_ns
        self.notes += self.center.look(self.link, Now(self.wall_ns, event_ns, is_muted))

    def fire(self, *, rule=1, ts=None, count=1, direction=1):
        rows = np.zeros(count, ALERT)
        rows["ts_event"] = (self.wall_ns if ts is None else ts) + np.arange(count)
        rows["rule"], rows["condition"], rows["direction"] = rule, Condition.BUBBLE, direction
        self.link.stores[0].alerts.append(rows)

    def badge(self, event_ns=None):
        return self.center.badge(0, Now(self.wall_ns, self.wall_ns if event_ns is None else event_ns, is_muted=False))


def test_an_alert_sounds_flashes_and_is_logged_as_sounded():
    rig = Rig()
    assert rig.badge() is None
    rig.fire(direction=-1)
    rig.look()
    assert len(rig.speaker.played) == 1
    assert (rig.badge().direction, rig.badge().is_new) == (-1, True)
    assert [(entry.rule, entry.outcome) for entry in rig.center.entries] == [("cross", "sounded")]
    rig.look()
    assert len(rig.speaker.played) == 1
    assert not rig.notes


def test_a_rule_performs_only_its_own_actions():
    rig = Rig(
        Rule(name="quiet", when="bubble", least=1, do=("log",)),
        Rule(name="loud", when="bubble", least=1, do=("notify",)),
    )
    rig.fire(rule=1)
    rig.look()
    assert (rig.speaker.played, rig.messages, rig.badge(), len(rig.center.entries)) == ([], [], None, 1)
    rig.fire(rule=2)
    rig.look()
    assert rig.messages == [("NQZ5: loud", rig.messages[0][1])]
    assert len(rig.center.entries) == 1


def test_muted_alerts_neither_sound_nor_notify_but_are_logged():
    rig = Rig(Rule(name="a", when="bubble", least=1, do=("sound", "notify", "log")))
    rig.fire()
    rig.look(is_muted=True)
    assert (rig.speaker.played, rig.messages) == ([], [])
    assert rig.center.entries[-1].outcome == "muted"


def test_without_a_device_no_alert_is_logged_as_sounded():
    rig = Rig(speaker=Speaker(works=False))
    rig.fire()
    rig.look()
    assert rig.center.entries[-1].outcome == "no sound"
    assert rig.center.problem_sign == "no sound"
    assert "no sound device" in rig.center.problem


def test_alerts_from_before_the_view_are_counted_in_one_line():
    link = LocalLink("NQZ5")
    for n in range(130):
        add_cross(link.stores[0], OPENED + n * SECOND_NS)
    speaker = Speaker()
    center = AlertCenter(sounder=speaker)
    link.engine.refresh()
    notes = []
    for n in range(10):
        now = link.now_ns + HOUR_NS + n * SECOND_NS
        notes += center.look(link, Now(now, now, is_muted=False))
    assert notes == ["130 alerts fired before now  \u00b7  A lists them"]
    assert not speaker.played
    assert len(center.entries) == 130


def test_nothing_sounds_while_catching_up_and_one_line_counts_what_fired():
    rig = Rig()
    rig.link.set_status(state=FeedState.CATCHING_UP)
    rig.link.engine.refresh()
    for _ in range(100):
        rig.fire(ts=rig.wall_ns - HOUR_NS)
        rig.look(after_s=0.01)
    rig.link.set_status(state=FeedState.LIVE)
    rig.link.engine.refresh()
    for _ in range(5):
        rig.look(after_s=1.0)
    assert not rig.speaker.played
    assert rig.notes == ["100 alerts fired while catching up  \u00b7  A lists them"]
    rig.fire()
    rig.look()
    assert len(rig.speaker.played) == 1


def test_alerts_from_a_filled_gap_count_as_past_even_while_live():
    rig = Rig()
    rig.fire(ts=rig.wall_ns - 60 * SECOND_NS, count=40)
    rig.look()
    rig.look(after_s=3.0)
    assert not rig.speaker.played
    assert rig.notes == ["40 alerts fired while catching up  \u00b7  A lists them"]


def test_a_fast_replay_sounds_nothing_and_a_slow_one_does():
    rig = Rig()
    for speed, sounds in ((LOUD_SPEED, 1), (2 * LOUD_SPEED, 1), (float("inf"), 1)):
        rig.link.set_status(state=FeedState.REPLAY, speed=speed, rate=min(speed, 1000.0))
        rig.link.engine.refresh()
        for _ in range(50 if speed > LOUD_SPEED else 1):
            rig.fire()
            rig.look(after_s=0.02)
        assert len(rig.speaker.played) == sounds
    rig.look(after_s=2.0)
    assert rig.notes == ["100 alerts fired in a fast replay  \u00b7  A lists them"]


def test_the_number_of_sounds_per_second_is_limited():
    rig = Rig()
    rig.fire(count=100)
    rig.look()
    assert len(rig.speaker.played) == MAX_A_SECOND
    assert [entry.outcome for entry in rig.center.entries].count("sounded") == MAX_A_SECOND


def test_a_badge_disappears_after_a_minute_but_stays_long_enough_in_a_fast_replay():
    rig = Rig()
    rig.fire()
    rig.look()
    assert rig.badge() is not None
    rig.wall_ns += 30 * SECOND_NS
    assert rig.badge() is not None
    rig.wall_ns += 40 * SECOND_NS
    assert rig.badge() is None
    rig.fire()
    rig.look()
    rig.wall_ns += 5 * SECOND_NS
    assert rig.badge(event_ns=rig.wall_ns + HOUR_NS) is not None


def test_an_old_alert_of_a_session_joined_late_is_not_shown_as_new():
    link = LocalLink("NQZ5")
    add_cross(link.stores[0], OPENED)
    link.engine.refresh()
    center = AlertCenter()
    center.look(link, Now(0, OPENED + HOUR_NS, is_muted=False))
    assert center.badge(0, Now(0, OPENED + HOUR_NS, is_muted=False)) is None
    badge = center.badge(0, Now(0, OPENED + 5 * SECOND_NS, is_muted=False))
    assert badge is not None
    assert not badge.is_new


def test_alerts_found_again_by_a_new_engine_are_listed_once():
    rig = Rig()
    rig.fire()
    rig.look()
    rig.link.markets = LocalLink("NQZ5").markets
    rig.link.stores = [market.store for market in rig.link.markets]
    rig.link.generation += 1
    rig.fire()
    rig.look()
    assert len(rig.center.entries) == 1
    rig.fire(ts=rig.wall_ns + SECOND_NS)
    rig.look(after_s=1.0)
    assert len(rig.center.entries) == 2


def test_changed_rules_reach_this_engine_and_the_next_one_and_the_file(tmp_path):
    path = tmp_path / "alerts.toml"
    rig = Rig(path=path)
    assert not rig.link.commands
    rig.center.book.add(Rule(name="big", when="bubble", least=500))
    rig.look()
    assert [type(command) for command in rig.link.commands] == [SetAlerts]
    assert [rule.id for rule in rig.link.commands[0].rules] == [1, 2]
    assert [rule.name for rule in rule_file.load(path).book.rules()] == ["cross", "big"]
    rig.look()
    assert len(rig.link.commands) == 1
    rig.link.generation += 1
    rig.look()
    assert rig.link.commands[1] == rig.link.commands[0]


@pytest.mark.parametrize("state", [FeedState.RECONNECTING, FeedState.FAILED, LinkState.RESTARTING])
def test_a_lost_feed_fires_once_and_again_after_it_was_live(state):
    rig = Rig(Rule(name="lost", when="feed", state="lost", cool_down_s=0))

    def lose():
        if isinstance(state, LinkState):
            rig.link.state = state
        else:
            rig.link.set_status(state=state)
        rig.link.engine.refresh()

    def recover():
        rig.link.state = LinkState.RUNNING
        rig.link.set_status(state=FeedState.LIVE)
        rig.link.engine.refresh()

    for times in (1, 2):
        lose()
        for _ in range(3):
            rig.look(after_s=1.0)
        assert len(rig.speaker.played) == times
        recover()
        rig.look(after_s=1.0)
    assert [entry.text for entry in rig.center.entries] == ["the connection is lost"] * 2


def test_between_two_frames_the_thread_handles_each_alert_once():
    rig = Rig()
    rig.fire()
    rig.center.listen()
    assert len(rig.speaker.played) == 1
    assert rig.badge().is_new
    rig.center.listen()
    rig.look()
    assert len(rig.speaker.played) == 1
    assert len(rig.center.entries) == 1


def test_the_thread_uses_the_feed_state_of_the_last_frame():
    rig = Rig()
    rig.link.set_status(state=FeedState.CATCHING_UP)
    rig.link.engine.refresh()
    rig.look()
    rig.fire()
    rig.center.listen()
    assert not rig.speaker.played
    assert rig.center.entries[-1].outcome == "past"


def test_the_thread_runs_only_if_a_rule_may_sound_and_ends_with_the_center():
    link = LocalLink("NQZ5")
    link.engine.refresh()
    silent = AlertCenter(KeptRules(RuleBook([Rule(name="a", when="bubble", least=1, do=("log",))])), sounder=Speaker())
    silent.look(link, Now(link.now_ns, link.now_ns, is_muted=False))
    assert silent._thread is None
    center = AlertCenter(sounder=Speaker())
    center.look(link, Now(link.now_ns, link.now_ns, is_muted=False))
    assert center._thread.is_alive()
    center.close()
    assert not center._thread.is_alive()


def test_what_a_seek_passes_over_is_silent_and_what_comes_after_it_sounds():
    rig = Rig()
    rig.link.set_status(state=FeedState.REPLAY, can_seek=1)
    rig.link.engine.refresh()
    rig.look()
    rig.center.expect_seek()
    rig.fire(count=2)  # before the status tells of the seek
    rig.center.listen()
    rig.look()
    assert rig.speaker.played == []
    rig.link.set_status(seeks=1, seek_to=rig.wall_ns + SECOND_NS)
    rig.link.engine.refresh()
    rig.fire(ts=rig.wall_ns + SECOND_NS // 2)
    rig.look(event_ns=rig.wall_ns + SECOND_NS)
    assert rig.speaker.played == []
    assert len(rig.center.entries) == 3
    rig.fire(ts=rig.wall_ns + 2 * SECOND_NS)
    rig.look(event_ns=rig.wall_ns + 2 * SECOND_NS)
    assert len(rig.speaker.played) == 1


def test_a_seek_back_takes_the_alerts_behind_it_out_of_the_log_and_they_fire_again():
    rig = Rig()
    rig.link.set_status(state=FeedState.REPLAY, can_seek=1)
    rig.link.engine.refresh()
    start = rig.wall_ns
    for seconds in (0, 2):
        rig.fire(ts=start + seconds * SECOND_NS)
        rig.look(event_ns=start + seconds * SECOND_NS)
    assert [entry.ts_event for entry in rig.center.entries] == [start, start + 2 * SECOND_NS]
    back = LocalLink("NQZ5")  # new stores, as after a seek
    back.generation = 2
    back.set_status(state=FeedState.REPLAY, can_seek=1, seeks=1, seek_to=start + SECOND_NS)
    back.engine.refresh()
    rig.link = back
    rig.fire(ts=start)
    rig.look(event_ns=start + SECOND_NS)
    assert [entry.ts_event for entry in rig.center.entries] == [start]
    played = len(rig.speaker.played)
    rig.fire(ts=start + 2 * SECOND_NS)
    rig.look(event_ns=start + 2 * SECOND_NS)
    assert [entry.ts_event for entry in rig.center.entries] == [start, start + 2 * SECOND_NS]
    assert len(rig.speaker.played) == played + 1
