"""One roll-up for every KPI: rows with a moment, dimensions and measures, to all periods and members."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from outside_in.contract import kpis

from .calendar import GRAINS
from .raw import World

Key = tuple[str, str, date, str, str]
Measure: TypeAlias = "str | pd.Series[Any] | npt.NDArray[Any] | float"
Floats = npt.NDArray[np.float64]

NONE = "(none)"
WIDE_GRAINS = ("month", "quarter", "year", "all")
MANY_MEMBERS = {
    *("agent", "product", "page", "landing_page", "exit_page", "last_page", "query", "search_term"),
    *("last_search_term", "article", "author", "cta", "creative", "location"),
}


class Row(NamedTuple):
    """One row of kpi_values: the value, its parts where it has them, and the number of rows behind it."""

    value: float
    numerator: float | None
    denominator: float | None
    sample_size: int


class Cut(NamedTuple):
    """The cells of one grain and dimension: the cell of each row, and each cell's period and member."""

    cell: npt.NDArray[np.int64]
    keys: list[tuple[date, str]]


Results = dict[Key, Row]


def grains_of(dimension: str) -> Sequence[str]:
    """The grains a dimension comes for."""
    return WIDE_GRAINS if dimension in MANY_MEMBERS or " x " in dimension else GRAINS


def member_names(values: pd.Series[Any]) -> pd.Series[Any]:
    """Members as text; a null is '(none)', a whole number has no decimals, a boolean is lower case."""

    def name(value: Any) -> str:
        if isinstance(value, bool | np.bool_):
            return str(bool(value)).lower()
        if isinstance(value, float | np.floating):
            return str(int(value)) if float(value).is_integer() else str(value)
        return str(value)

    return values.map({v: name(v) for v in values.dropna().unique()}).where(values.notna(), NONE)


class Cells:
    """Rows of one kind, cut into cells by period and member; one method per way to make a value of a cell.

    Every method takes the KPI, whose dimensions come from the KPI dictionary, and measures: a column of rows,
    values aligned with `cells.rows`, or one number for all. A dimension that is no column is an error, except
    hour_of_day and day_of_week, which come from `at`.
    """

    def __init__(self, world: World, results: Results, rows: pd.DataFrame, at: str = "at") -> None:
        """`rows[at]` is UTC; rows without it are in no period."""
        self.rows = rows[rows[at].notna()].reset_index(drop=True)
        self.results = results
        self.world = world
        local = world.calendar.local(self.rows[at].astype("datetime64[us]"))
        self._days, starts = pd.factorize(local.dt.normalize())
        self._day_list: list[date] = [pd.Timestamp(d).date() for d in starts]
        if "hour_of_day" not in self.rows:
            self.rows["hour_of_day"] = local.dt.hour
        if "day_of_week" not in self.rows:
            self.rows["day_of_week"] = local.dt.dayofweek + 1
        self._periods: dict[str, tuple[npt.NDArray[np.int64], list[date]]] = {}
        self._members: dict[str, tuple[npt.NDArray[np.int64], list[str]]] = {}
        self._cells: dict[tuple[str, str], Cut] = {}

    def __getitem__(self, name: str) -> pd.Series[Any]:
        """A column of the rows that are in a period."""
        return self.rows[name]

    # -- ways to make a value ---------------------------------------------------------------------------

    def share(
        self,
        kpi: str,
        numerator: Measure,
        denominator: Measure,
        factor: float = 1,
        sample: Measure | None = None,
        by: Iterable[str] | None = None,
        grains: Sequence[str] = GRAINS,
    ) -> None:
        """factor * sum(numerator) / sum(denominator); sample defaults to the rows with a denominator."""
        above, below = self._floats(numerator), self._floats(denominator)
        rows = self._floats(sample) if sample is not None else (below != 0).astype(float)
        for grain, dimension, cells in self._plan(kpi, by, grains):
            tops, bottoms = self._sum(cells, above), self._sum(cells, below)
            counts = self._sum(cells, rows)
            for i in np.flatnonzero(bottoms):
                row = Row(factor * tops[i] / bottoms[i], tops[i], bottoms[i], round(counts[i]))
                self._put(kpi, grain, dimension, cells.keys[i], row)

    def mean(self, kpi: str, values: Measure) -> None:
        """The mean of the known values: their sum and their number."""
        known = self._floats(values, keep_unknown=True)
        self.share(kpi, np.nan_to_num(known), ~np.isnan(known))

    def total(self, kpi: str, values: Measure, by: Iterable[str] | None = None) -> None:
        """The sum of the known values; no row where none is known."""
        known = self._floats(values, keep_unknown=True)
        amounts, there = np.nan_to_num(known), (~np.isnan(known)).astype(float)
        for grain, dimension, cells in self._plan(kpi, by):
            sums, counts = self._sum(cells, amounts), self._sum(cells, there)
            for i in np.flatnonzero(counts):
                self._put(kpi, grain, dimension, cells.keys[i], Row(sums[i], sums[i], None, round(counts[i])))

    def count(self, kpi: str, where: Measure = True) -> None:
        """The number of rows."""
        there = self._floats(where)
        self.total(kpi, np.where(there > 0, 1.0, np.nan))

    def percentile(self, kpi: str, values: Measure, point: float = 0.5) -> None:
        """The continuous percentile of the known values (0.5 is the median, the mean of the middle two)."""
        known = self._floats(values, keep_unknown=True)
        for grain, dimension, cells in self._plan(kpi, None):
            use = ~np.isnan(known)
            order = np.lexsort((known[use], cells.cell[use]))
            cell, value = cells.cell[use][order], known[use][order]
            if not len(cell):
                continue
            first = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]])
            sizes = np.diff(np.r_[first, len(cell)])
            place = (sizes - 1) * point
            low = np.floor(place).astype(int)
            high = np.minimum(low + 1, sizes - 1)
            middle = value[first + low] + (place - low) * (value[first + high] - value[first + low])
            for i, number, size in zip(cell[first], middle, sizes, strict=True):
                self._put(kpi, grain, dimension, cells.keys[i], Row(float(number), None, None, int(size)))

    def distinct(
        self,
        kpi: str,
        key: str,
        where: Measure = True,
        per: str | None = None,
        factor: float = 1,
        per_where: Measure = True,
    ) -> None:
        """The number of distinct keys, or its ratio to that of the `per` keys; null keys do not count."""
        keys, here = pd.factorize(self.rows[key])[0], self._floats(where) > 0
        others, there = (pd.factorize(self.rows[per])[0], self._floats(per_where) > 0) if per else (keys, here)
        for grain, dimension, cells in self._plan(kpi, None):
            tops = self._distinct(cells, keys, here)
            bottoms = self._distinct(cells, others, there)
            for i in np.flatnonzero(bottoms):
                row = Row(tops[i], tops[i], None, round(tops[i]))
                if per:
                    row = Row(factor * tops[i] / bottoms[i], tops[i], bottoms[i], round(bottoms[i]))
                self._put(kpi, grain, dimension, cells.keys[i], row)

    def sum_per_distinct(self, kpi: str, amount: Measure, key: str) -> None:
        """sum(amount) / number of distinct keys; null keys do not count, and a sum of no known amount is unknown."""
        keys, amounts = pd.factorize(self.rows[key])[0], self._floats(amount, keep_unknown=True)
        for grain, dimension, cells in self._plan(kpi, None):
            known = self._sum(cells, (~np.isnan(amounts)).astype(float))
            tops, bottoms = self._sum(cells, np.nan_to_num(amounts)), self._distinct(cells, keys, keys >= 0)
            for i in np.flatnonzero(bottoms * known):
                row = Row(tops[i] / bottoms[i], tops[i], bottoms[i], round(bottoms[i]))
                self._put(kpi, grain, dimension, cells.keys[i], row)

    # -- cells ------------------------------------------------------------------------------------------

    def _floats(self, measure: Measure, keep_unknown: bool = False) -> Floats:
        """A measure as floats, one per row in a period."""
        values = self.rows[measure] if isinstance(measure, str) else measure
        if isinstance(values, pd.Series):
            values = values.astype(float).to_numpy()
        full = np.broadcast_to(np.asarray(values, dtype=float), (len(self.rows),)).copy()
        return full if keep_unknown else np.nan_to_num(full)

    @staticmethod
    def _sum(cells: Cut, weights: Floats) -> Floats:
        return np.bincount(cells.cell, weights=weights, minlength=len(cells.keys)).astype(np.float64)

    @staticmethod
    def _distinct(cells: Cut, keys: npt.NDArray[Any], use: npt.NDArray[np.bool_]) -> Floats:
        use = use & (keys >= 0)
        pairs = pd.DataFrame({"cell": cells.cell[use], "key": keys[use]}).drop_duplicates()
        return np.bincount(pairs["cell"], minlength=len(cells.keys)).astype(float)

    def _plan(
        self, kpi: str, by: Iterable[str] | None, grains: Sequence[str] = GRAINS
    ) -> Iterable[tuple[str, str, Cut]]:
        dimensions = ["overall", *kpis()[kpi].by] if by is None else list(by)
        if not len(self.rows) or not attainable(self.world, kpi):
            return
        for dimension in dimensions:
            for grain in grains_of(dimension):
                if grain in grains:
                    yield grain, dimension, self._cut(grain, dimension)

    def _cut(self, grain: str, dimension: str) -> Cut:
        if (grain, dimension) not in self._cells:
            period, starts = self._period(grain)
            member, names = self._member(dimension)
            cell, pairs = pd.factorize(period * len(names) + member)
            keys = [(starts[pair // len(names)], names[pair % len(names)]) for pair in pairs.tolist()]
            self._cells[grain, dimension] = Cut(cell, keys)
        return self._cells[grain, dimension]

    def _period(self, grain: str) -> tuple[npt.NDArray[np.int64], list[date]]:
        if grain not in self._periods:
            start = self.world.calendar.start
            codes, starts = pd.factorize(np.array([start(d, grain) for d in self._day_list], dtype=object))
            self._periods[grain] = codes[self._days], list(starts)
        return self._periods[grain]

    def _member(self, dimension: str) -> tuple[npt.NDArray[np.int64], list[str]]:
        if dimension not in self._members:
            if dimension == "overall":
                names = pd.Series("overall", index=self.rows.index)
            else:
                parts = [member_names(self.rows[part]) for part in dimension.split(" x ")]
                names = parts[0] if len(parts) == 1 else parts[0] + " x " + parts[1]
            codes, members = pd.factorize(names)
            self._members[dimension] = codes, list(members)
        return self._members[dimension]

    def _put(self, kpi: str, grain: str, dimension: str, key: tuple[date, str], row: Row) -> None:
        value, top, bottom = (None if part is None else float(part) for part in row[:3])
        self.results[kpi, grain, key[0], dimension, key[1]] = Row(value or 0.0, top, bottom, row.sample_size)


_CONTACT_CUSTOMER = (
    "interactions.customer_id",
    "interactions.contact_address",
    "tickets.customer_id",
    "tickets.contact_address",
)
_SOLVED = ("tickets.status", "tickets.solved_at", "tickets.closed_at", "ticket_events.new_value")
_AD_PERSON = ("ad_events.click_id", "ad_events.visitor_id", "ad_events.customer_id")
_ORDER_CUSTOMER = ("orders.customer_id", "orders.visitor_id")

# Groups of alternatives without which 0 or 1 would be all that the formula can say.
NEEDED_COLUMNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "review_reply_rate": (("reviews.replied_at",),),
    "survey_response_rate": (("survey_responses.invitation_id",),),
    "detractor_follow_up_rate": (_CONTACT_CUSTOMER,),
    "disconnected_rate": (("interactions.recorded_outcome",),),
    "ivr_abandonment_rate": (("interactions.recorded_outcome",),),
    "occupancy": (("interactions.talk_seconds",), ("interactions.agent_id",)),
    "contacts_per_agent_hour": (("interactions.outcome",), ("interactions.agent_id",)),
    "quality_review_coverage": (("quality_reviews.interaction_id", "quality_reviews.ticket_id"),),
    "knowledge_contribution_rate": (("article_events.actor_id",),),
    "article_reuse": (("ticket_articles.linked_at",), _SOLVED),
    "self_service_success_rate": (_CONTACT_CUSTOMER,),
    "cta_value": (("web_events.value_amount",),),
    "calls_after_digital_share": (("interactions.customer_id", "interactions.contact_address"),),
    "digital_to_call_rate": (("interactions.customer_id", "interactions.contact_address"),),
    "post_click_engaged_rate": (_AD_PERSON,),
    "unengaged_click_cost_share": (_AD_PERSON,),
    "post_click_conversion_rate": (_AD_PERSON, _ORDER_CUSTOMER),
    "view_through_conversion_rate": (_AD_PERSON, _ORDER_CUSTOMER),
    "proactive_notice_rate": (("shipment_events.is_customer_notified",),),
    "wismo_rate": (("interactions.order_id", "tickets.order_id"),),
    "return_rate": (("returns.order_id",),),
    "defect_rate": (("returns.order_id",), ("returns.reason",)),
}


def attainable(world: World, kpi: str) -> bool:
    """Whether one table of each group of alternatives the KPI needs has accepted rows, and one column a value."""
    return all(any(len(world[table]) for table in group) for group in kpis()[kpi].needed_tables) and all(
        any(world[table][column].notna().any() for table, column in (name.split(".") for name in group))
        for group in NEEDED_COLUMNS.get(kpi, ())
    )
