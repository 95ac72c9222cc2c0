"""Makes a pipeline with its charts: for the engine's start, for the index of a replay, and after each seek."""

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.spec import EngineSpec, LiveSpec

if TYPE_CHECKING:
    from flow_gl.engine.pipeline import Pipeline
    from flow_gl.runtime.charts import Charts
    from flow_gl.runtime.feeds import Plan
    from flow_gl.store.market import MarketStore


class ChartSetup:
    """The inputs of a pipeline and its charts.

    Parameters
    ----------
    spec : settings and alert rules
    plan : the charts
    """

    def __init__(self, spec: EngineSpec, plan: "Plan") -> None:
        self.spec: Final = spec
        self.plan: Final = plan
        self._names: Final = deepcopy(plan.names)  # a name changes as it follows mappings
        self._calendar: Final = SessionCalendar()  # shared, because reading its years takes as long as a short seek

    def make(
        self, spec: EngineSpec | None = None, make_store: "Callable[[str], MarketStore] | None" = None
    ) -> "tuple[Pipeline, Charts]":
        """Make new ones, before the first trade.

        Parameters
        ----------
        spec : other settings and rules than at the engine's start
        make_store : makes the charts' stores; None: in shared memory

        Raises
        ------
        SharedMemoryError
        """
        from flow_gl.engine.pipeline import Pipeline
        from flow_gl.runtime.charts import Charts

        spec, plan = spec or self.spec, self.plan
        pipeline = Pipeline(
            spec.aggregation,
            sessions=self._calendar if spec.aggregation.sessions else None,
            lods=spec.lods,
        )
        pipeline.set_alerts(spec.alerts)
        options: dict[str, Any] = {} if make_store is None else {"make_store": make_store}
        charts = Charts(
            plan.symbols,
            attach=pipeline.chart,
            release=pipeline.release,
            bucket_ns=spec.aggregation.bucket_ns,
            names=deepcopy(self._names),
            instrument_ids=plan.instrument_ids,
            are_parents=plan.are_parents,
            may_renew=isinstance(spec.feed, LiveSpec),
            **options,
        )
        return pipeline, charts
