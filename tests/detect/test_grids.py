"""`--set` and `--grid` become sets of parameters; an invalid one is one clear line."""

import pytest

from flow_gl.cli.grids import parameter_sets
from flow_gl.core.errors import UsageError


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("FLOW_GL_CONFIG", "FLOW_GL_ARM"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_grid_there_is_one_set():
    settings, values = parameter_sets(["absorption.sd=3", "large_trade.threshold=auto"], [])
    assert (settings[0].absorption_sd, settings[0].large_trade_threshold) == (3.0, 0)
    assert values == [{}]


def test_a_grid_includes_its_end_and_steps_exactly():
    settings, values = parameter_sets([], ["absorption.sd=0.1:0.5:0.1"])
    assert [one.absorption_sd for one in settings] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert values[2] == {"absorption.sd": 0.3}


def test_grids_are_combined_the_last_one_fastest():
    _, values = parameter_sets(["arm=50"], ["absorption.sd=2:3:1", "divergence.bar_s=10,30"])
    assert [tuple(one.values()) for one in values] == [(2, 10), (2, 30), (3, 10), (3, 30)]


@pytest.mark.parametrize(
    ("given", "grids", "message"),
    [
        (["absorbtion.sd=3"], [], "absorbtion.sd is not a parameter of the detectors; did you mean absorption.sd?"),
        (["bucket=1s"], [], "bucket is not a parameter of the detectors"),
        (["absorption.sd"], [], "--set absorption.sd: expected a parameter and its value, like absorption.sd=3"),
        (["absorption.sd=-1"], [], "absorption.sd was '-1' (absorption.sd=-1): expected:"),
        (["absorption.sd=many"], [], "absorption.sd was 'many'"),
        (["absorption.sd=3", "absorption.sd=4"], [], "absorption.sd is given twice"),
        (["absorption.sd=3"], ["absorption.sd=2:4:1"], "absorption.sd is given twice"),
        ([], ["absorption.sd=4:2:1"], "the grid is empty: 2 is below 4"),
        ([], ["absorption.sd=2:4:0"], "expected a step above 0, got 0"),
        ([], ["absorption.sd=2:4"], "expected from:to:step, like 2:4:0.5, or a list, like 2,3,5"),
        ([], ["absorption.sd=nan:4:1"], "expected a step above 0"),
        ([], ["absorption.sd=0:100:0.0001"], "values, at most 1,000 are compared at once"),
        ([], ["absorption.sd=1:50:1", "divergence.bar_s=1:50:1"], "2,500 combinations, at most 1,000"),
        ([], ["absorption.sd=99:101:1"], "absorption.sd was '101'"),
        ([], ["divergence.bar_s=10:20:2.5"], "divergence.bar_s was '12.5'"),
        ([], ["absorption.sd=2,2"], "a value is given twice"),
    ],
)
def test_an_invalid_grid_is_one_clear_line(given, grids, message):
    with pytest.raises(UsageError) as caught:
        parameter_sets(given, grids)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
