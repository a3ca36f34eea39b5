"""What lasts: recurring revenue and loyalty membership."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .calendar import GRAINS
from .hours import micros
from .money import in_reporting_currency
from .raw import World, remembered
from .rollup import Cells, Results, Row, attainable, grains_of, member_names

CENT = 1e-6  # sums of floats this near are equal


@remembered
def mrr_changes(world: World) -> pd.DataFrame:
    """event_at, customer_id, product, change: what each event makes the MRR of a customer's product rise or fall by.

    One row per event; two where the subscription moves to another customer or product.
    """
    rows = world["subscription_events"].sort_values(["subscription_id", "event_at", "event_id"], kind="stable")
    amounts = in_reporting_currency(world, rows["mrr_amount"], rows["currency"], rows["event_at"])
    products = rows.groupby("subscription_id")["product_id"].ffill()
    changes: list[tuple[Any, ...]] = []
    subscription, now, running, owner = None, 0.0, 0.0, (None, None)
    columns = (rows[c] for c in ("subscription_id", "event_type", "event_at", "customer_id"))
    for name, kind, at, customer, product, amount in zip(*columns, products, amounts, strict=True):
        before, owner_before = (now, owner) if name == subscription else (0.0, (None, None))
        if name != subscription:
            subscription, now, running = name, 0.0, 0.0
        if kind == "pause":
            now, running = 0.0, now or running
        elif kind == "cancel":
            now, running = 0.0, 0.0
        elif pd.notna(amount):
            now = float(amount)
        elif kind == "resume":
            now = running
        owner = (customer, product if pd.notna(product) else None)
        if owner == owner_before:
            changes.append((at, *owner, now - before))
        else:
            changes += [(at, *owner_before, -before), (at, *owner, now)]
    found = pd.DataFrame(changes, columns=["event_at", "customer_id", "product", "change"])
    return found[found["customer_id"].notna()].reset_index(drop=True)


def movements(world: World, results: Results) -> None:
    """Opening to closing MRR per customer (by product: and product) in periods ended by as_of."""
    rows = mrr_changes(world)
    if not world["subscription_events"]["mrr_amount"].notna().any() or not attainable(world, "revenue_churn_rate"):
        return
    segments = world.lookup("customers", "segment")
    plain = rows.assign(product=None)
    for dimension, events in (("overall", plain), ("segment", plain), ("product", rows)):
        units, owners = pd.factorize(pd.MultiIndex.from_frame(events[["customer_id", "product"]].fillna("")))
        if dimension == "overall":
            names = pd.Series("overall", index=range(len(owners)))
        elif dimension == "segment":
            names = member_names(pd.Series([segments.get(o[0]) for o in owners], dtype=object))
        else:
            names = member_names(pd.Series([o[1] or None for o in owners], dtype=object))
        for grain, start, opening, closing, had in levels(world, events, units, len(owners)):
            if grain not in grains_of(dimension):
                continue
            frame = pd.DataFrame({"name": names, "opening": opening, "closing": closing, "had": had})
            for name, cell in frame.groupby("name"):
                _retention_rows(results, (grain, start, dimension, str(name)), cell)


def levels(
    world: World, events: pd.DataFrame, units: npt.NDArray[Any], size: int
) -> Iterable[tuple[str, date, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]]:
    """(grain, start, opening, closing, had MRR before) of each unit, for every period that ended by as_of."""
    calendar, at = world.calendar, micros(events["event_at"])
    change = events["change"].to_numpy(dtype=float)
    running = np.zeros(size)
    first_had = np.full(size, np.iinfo(np.int64).max)
    for i in np.argsort(at, kind="stable"):
        running[units[i]] += change[i]
        if running[units[i]] > CENT:
            first_had[units[i]] = min(first_had[units[i]], at[i])
    for grain in ("day", "week", "month", "quarter", "year"):
        starts = calendar.periods(events["event_at"].min(), calendar.as_of, grain)
        moments = micros(pd.Series([calendar.instant(s) for s in [*starts, calendar.next(starts[-1], grain)]]))
        steps = np.zeros((size, len(moments) + 1))
        np.add.at(steps, (units, np.searchsorted(moments, at, side="right")), change)
        level = np.round(np.cumsum(steps, axis=1), 9)
        for i, start in enumerate(starts):
            if calendar.instant(calendar.next(start, grain)) <= calendar.as_of:
                yield grain, start, level[:, i], level[:, i + 1], first_had < moments[i]


def _retention_rows(results: Results, where: tuple[str, date, str, str], cell: pd.DataFrame) -> None:
    opening, closing = cell["opening"].to_numpy(), cell["closing"].to_numpy()
    total = float(opening.sum())
    if abs(total) <= CENT:
        return
    open_, grown = opening > CENT, np.clip(closing - opening, 0, None)
    churned = opening[open_ & (closing <= CENT)].sum()
    contraction = np.clip(opening - closing, 0, None)[open_ & (closing > CENT)].sum()
    expansion = grown[open_].sum()
    reactivation = closing[~open_ & (closing > CENT) & cell["had"].to_numpy()].sum()
    count = int(open_.sum())
    net = total + expansion + reactivation - contraction - churned
    gross = total - contraction - churned
    for kpi, top in (
        ("revenue_churn_rate", churned), ("net_revenue_retention", net), ("gross_revenue_retention", gross),
    ):  # fmt: skip
        results[kpi, *where] = Row(float(top) / total, float(top), total, count)


def points(world: World, results: Results) -> None:
    """Points redeemed and expired of points earned."""
    rows = world["loyalty_events"]
    rows = rows.assign(at=rows["event_at"], program=rows["program_id"])
    rows["segment"] = rows["customer_id"].map(world.lookup("customers", "segment"))
    for kind in ("earn", "redeem", "expire"):
        rows[kind] = rows["points"].where(rows["event_type"] == kind, 0).fillna(0)
    cells = Cells(world, results, rows)
    by = ("overall", "program", "points_type", "segment")
    cells.share("loyalty_redemption_rate", "redeem", "earn", by=by)
    cells.share("points_expiry_rate", "expire", "earn")
    earned = {key: row.denominator for key, row in results.items() if key[0] == "loyalty_redemption_rate"}
    redeemed: Results = {}
    spent = rows[(rows["event_type"] == "redeem") & rows["points"].notna()]
    Cells(world, redeemed, spent).total("loyalty_redemption_rate", "points", by=("reward_type",))
    for (kpi, grain, start, dimension, member), row in redeemed.items():
        total = earned.get((kpi, grain, start, "overall", "overall"))
        if total:
            results[kpi, grain, start, dimension, member] = Row(row.value / total, row.value, total, row.sample_size)


def membership(world: World) -> pd.DataFrame:
    """customer_id, program, from_, to: a member at every M with from_ < M <= to (microseconds since 1970)."""
    rows = world["loyalty_events"]
    rows = rows[rows["customer_id"].notna()].sort_values(["event_at", "event_id"], kind="stable")
    found = []
    for (customer, program), mine in rows.groupby(["customer_id", "program_id"], dropna=False, sort=False):
        kinds = mine["event_type"].tolist()
        if "enroll" not in kinds and kinds[0] != "leave":
            kinds[0] = "enroll"
        since: int | None = None
        for at, kind in zip(micros(mine["event_at"]).tolist(), kinds, strict=True):
            if kind == "enroll" and since is None:
                since = at
            elif kind == "leave" and since is not None:
                found.append((customer, program, since, at))
                since = None
        if since is not None:
            found.append((customer, program, since, np.iinfo(np.int64).max))
    return pd.DataFrame(found, columns=["customer_id", "program", "from_", "to"])


def loyalty_members(world: World, results: Results) -> None:
    """Members at a period's end who redeemed, or earned or redeemed, in it."""
    spans = membership(world)
    if spans.empty or not attainable(world, "loyalty_active_share"):
        return
    calendar = world.calendar
    segments = world.lookup("customers", "segment")
    rows = world["loyalty_events"]
    rows = rows[rows["customer_id"].notna() & rows["event_type"].isin(["earn", "redeem"])]
    rows = rows.assign(program=rows["program_id"])
    at = micros(rows["event_at"])
    first = pd.Timestamp(int(spans["from_"].min()), unit="us")
    for grain in GRAINS:
        for start in calendar.periods(first, calendar.as_of, grain):
            end = min(calendar.end(start, grain), calendar.end(start, "all"))
            moment = _micro(end)
            begin = _micro(calendar.instant(start)) if grain != "all" else np.iinfo(np.int64).min
            now = spans[(spans["from_"] < moment) & ~(spans["to"] < moment)]
            done = rows[(at >= begin) & (at < moment)]
            spent = done[done["event_type"] == "redeem"]
            for kpi, acts in (("loyalty_redeemer_share", spent), ("loyalty_active_share", done)):
                _member_rows(results, (kpi, grain, start), now, acts, segments)


def _micro(moment: pd.Timestamp) -> int:
    return int(micros(pd.Series([moment]))[0])


def _member_rows(
    results: Results,
    where: tuple[str, str, date],
    now: pd.DataFrame,
    acts: pd.DataFrame,
    segments: dict[str, str],
) -> None:
    pairs = set(zip(acts["customer_id"], acts["program"].fillna(""), strict=True))
    here = list(zip(now["customer_id"], now["program"].fillna(""), strict=True))
    everyone = {c for c, _ in here}
    active = {c for c, p in here if (c, p) in pairs}
    members: dict[tuple[str, str], tuple[int, int]] = {("overall", "overall"): (len(active), len(everyone))}
    for program in {p for _, p in here}:
        mine = {c for c, p in here if p == program}
        done = {c for c in mine if (c, program) in pairs}
        members["program", program or "(none)"] = len(done), len(mine)
    for segment in {segments.get(c) for c in everyone}:
        mine = {c for c in everyone if segments.get(c) == segment}
        members["segment", segment or "(none)"] = len(mine & active), len(mine)
    for (dimension, member), (hits, size) in members.items():
        if size:
            results[(*where, dimension, member)] = Row(hits / size, hits, size, size)


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    for family in (movements, points, loyalty_members):
        family(world, results)
