"""The whole path: a synthetic market in a separate engine process, drawn by the view."""

from contextlib import closing

import numpy as np

from flow_gl.core.settings import Settings
from flow_gl.core.spec import DemoSpec, EngineSpec
from flow_gl.ui.link import LinkState
from flow_gl.view.engine_link.supervisor import EngineLink
from flow_gl.view.program import ViewOptions, run_view


def test_the_demo_is_drawn_from_an_engine_in_another_process(tmp_path):
    from PIL import Image

    path = tmp_path / "demo.png"
    spec = EngineSpec(feed=DemoSpec(seed=3, history_s=600.0, rate=200.0))
    with closing(EngineLink.start(spec)) as link:
        options = ViewOptions(Settings(size="960x540"), headless=True, duration_s=1.5, screenshot=path)
        assert run_view(options, link) == 0
        assert link.state is LinkState.RUNNING
        assert [market.requested for market in link.markets] == ["NQ.v.0", "ES.v.0"]
        sessions = [market.session for market in link.markets]
        assert all(session["trade_count"] > 100 for session in sessions)
        assert all(session["buy"] - session["sell"] == session["cvd"] for session in sessions)
    picture = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3).astype(int)
    green = (picture[:, 1] > picture[:, 0] + 40) & (picture[:, 1] > picture[:, 2] + 20)
    red = (picture[:, 0] > picture[:, 1] + 40) & (picture[:, 0] > picture[:, 2] + 40)
    assert green.sum() > 500
    assert red.sum() > 500
