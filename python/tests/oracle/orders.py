"""Orders, revenue, customers' worth and retention."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from .cases import with_customer
from .hours import micros
from .money import in_reporting_currency
from .raw import World, kept, remembered
from .rollup import Cells, Results, Row, attainable, member_names


@remembered
def orders(world: World) -> pd.DataFrame:
    """Orders not cancelled; `amount` is gross less discount, converted (null = in no money KPI)."""
    rows = world["orders"]
    rows = with_customer(world, rows[rows["status"] != "cancelled"].reset_index(drop=True))
    rows["at"], rows["agent"] = rows["ordered_at"], rows["agent_id"]
    rows["acquisition_channel"] = rows["customer_id"].map(world.lookup("customers", "acquisition_channel"))
    net = rows["gross_amount"] - rows["discount_amount"].fillna(0)
    rows["amount"] = in_reporting_currency(world, net, rows["currency"], rows["ordered_at"])
    rows["cost"] = in_reporting_currency(world, rows["cost_amount"], rows["currency"], rows["ordered_at"])
    return rows


@remembered
def refunds(world: World) -> pd.DataFrame:
    """Returns with their order's dimensions; `refund`, converted, is null where nothing comes off: of no revenue."""
    rows = world["returns"].rename(columns={"product_id": "returned_product"})
    every = world["orders"].set_index("order_id")
    known = rows["order_id"].isin(every.index)
    for column in ("customer_id", "channel", "country", "currency", "status"):
        rows[column] = kept(rows["order_id"].map(every[column]), known)
    rows = with_customer(world, rows)
    rows["at"], rows["has_order"] = rows["returned_at"], known
    amount = in_reporting_currency(world, rows["refund_amount"], rows["currency"], rows["returned_at"])
    sold = orders(world)
    rows["refund"] = amount.where(~known | rows["order_id"].isin(sold["order_id"][sold["amount"].notna()]))
    return rows


@remembered
def order_products(world: World) -> pd.DataFrame:
    """order_id, product, weight: how an order's money is split over its products (its weights add to 1)."""
    items = world["order_items"]
    items = items.assign(product=items["product_id"], price=items["quantity"] * items["unit_price"])
    sums = items.groupby("order_id")["price"].agg(["sum", "count", "size"])
    priced = items["order_id"].map((sums["count"] == sums["size"]) & (sums["sum"] > 0))
    of_price = items["price"] / items["order_id"].map(sums["sum"])
    items["weight"] = of_price.where(priced.astype(bool), 1 / items["order_id"].map(sums["size"]))
    return items.groupby(["order_id", "product"], dropna=False)["weight"].sum().reset_index()


def by_product(world: World, rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Orders split over their products, `columns` multiplied by the weight; no product without items."""
    split = rows.merge(order_products(world), on="order_id", how="left")
    for column in columns:
        split[column] = split[column] * split["weight"].fillna(1)
    return split


def revenue(world: World, results: Results) -> None:
    """Order amounts on the day of the order less refunds on the day of the return."""
    sold = orders(world)
    sold = sold.assign(money=sold["amount"])
    back = refunds(world)
    back = back.assign(money=-back["refund"])
    columns = ["order_id", "at", "money", "channel", "segment", "country"]
    Cells(world, results, pd.concat([sold[columns], back[columns]], ignore_index=True)).total(
        "revenue", "money", by=("overall", "channel", "segment", "country")
    )
    named = back["returned_product"].notna()
    parts = [
        by_product(world, sold[columns], ["money"]),
        back.assign(product=back["returned_product"])[named],
        by_product(world, back[~named][columns], ["money"]),
    ]
    split = pd.concat([part[["at", "money", "product"]] for part in parts], ignore_index=True)
    Cells(world, results, split).total("revenue", "money", by=("product",))


@remembered
def buyers(world: World) -> pd.DataFrame:
    """One row per customer with an order: the first order's dimensions, and all they did to as_of."""
    rows = orders(world)
    rows = rows[rows["customer_id"].notna()].sort_values(["ordered_at", "order_id"], kind="stable")
    first = rows.drop_duplicates("customer_id").set_index("customer_id")
    by = rows.groupby("customer_id")
    first["orders"] = by.size()
    first["spent"] = by["amount"].sum(min_count=1)
    back = refunds(world)
    back = back[back["customer_id"].notna()]
    refunded = back.groupby("customer_id")["refund"].sum()
    first["net"] = first["spent"] - refunded.reindex(first.index).fillna(0)
    costed = rows[rows["cost"].notna() & rows["amount"].notna()]
    margin = (costed["amount"] - costed["cost"]).groupby(costed["customer_id"]).sum()
    taken = back[back["order_id"].isin(costed["order_id"])].groupby("customer_id")["refund"].sum()
    first["margin"] = margin.reindex(first.index) - taken.reindex(first.index).fillna(0)
    return first.reset_index()


def customers(world: World, results: Results) -> None:
    """Counts and means per order and per customer."""
    cells = Cells(world, results, orders(world))
    cells.count("order_count")
    cells.mean("average_order_value", "amount")
    cells = Cells(world, results, buyers(world))
    cells.share("repeat_purchase_rate", cells["orders"] >= 2, 1)
    cells.mean("historical_clv", "net")
    cells.mean("historical_margin_clv", "margin")


def cohort_retention(world: World, results: Results) -> None:
    """Of the customers whose first order is in a month, those who order in the n-th month after."""
    rows, calendar = orders(world), world.calendar
    rows = rows[rows["customer_id"].notna()]
    if rows.empty:
        return
    local = calendar.local(rows["ordered_at"])
    month = local.dt.year * 12 + local.dt.month - 1
    first = month.groupby(rows["customer_id"]).min()
    sizes = first.value_counts()
    after = pd.DataFrame({"customer": rows["customer_id"], "month": month}).drop_duplicates()
    after["cohort"] = after["customer"].map(first)
    back = after.groupby(["cohort", "month"]).size().to_dict()
    pooled: dict[tuple[str, date, int], list[int]] = {}
    for cohort, size in sizes.items():
        start = date(int(cohort) // 12, int(cohort) % 12 + 1, 1)
        n = 1
        while calendar.instant(calendar.add_months(start, n + 1)) <= calendar.as_of:
            for grain in ("month", "quarter", "year", "all"):
                cell = pooled.setdefault((grain, calendar.start(start, grain), n), [0, 0])
                cell[0] += back.get((cohort, cohort + n), 0)
                cell[1] += size
            n += 1
    for (grain, start, n), (stayed, size) in pooled.items():
        key = ("cohort_retention", grain, start, "months_since_first_order", str(n))
        results[key] = Row(stayed / size, stayed, size, size)


@remembered
def activity(world: World) -> pd.DataFrame:
    """customer_id, from_, to: active at every M with from_ < M <= to (microseconds since 1970)."""
    rows = orders(world)
    rows = rows[rows["customer_id"].notna()]
    window = pd.Timedelta(days=world.vars["activity_window_days"])
    bought = pd.DataFrame({"customer_id": rows["customer_id"], "from_": rows["ordered_at"]})
    bought["to"] = rows["ordered_at"] + window
    events = world["subscription_events"].sort_values(["event_at", "event_id"], kind="stable")
    following = events.groupby("subscription_id")["event_at"].shift(-1)
    stays = pd.DataFrame({"customer_id": events["customer_id"], "from_": events["event_at"], "to": following})
    stays["to"] = stays["to"].fillna(pd.Timestamp("2262-01-01"))
    stays = stays[events["customer_id"].notna() & ~events["event_type"].isin(["pause", "cancel"])]
    found = pd.concat([part for part in (bought, stays) if len(part)] or [bought], ignore_index=True)
    return found.assign(from_=micros(found["from_"]), to=micros(found["to"]))


def active_at(world: World, moments: list[pd.Timestamp]) -> tuple[pd.Index[Any], Any]:
    """Customers, and a table of customers by moments (ascending) that says who is active when."""
    spans = activity(world)
    codes, ids = pd.factorize(spans["customer_id"])
    at = micros(pd.Series(moments))
    steps = np.zeros((len(ids), len(at) + 1), dtype=np.int32)
    np.add.at(steps, (codes, np.searchsorted(at, spans["from_"], side="right")), 1)
    np.add.at(steps, (codes, np.searchsorted(at, spans["to"], side="right")), -1)
    return pd.Index(ids), np.cumsum(steps[:, :-1], axis=1) > 0


def retention(world: World, results: Results) -> None:
    """Customers active at a period's start who are, or are not, at its end; periods ended by as_of only."""
    spans, calendar = activity(world), world.calendar
    if spans.empty or not attainable(world, "churn_rate"):
        return
    first = pd.Timestamp(spans["from_"].min(), unit="us")
    ids = pd.Index(pd.factorize(spans["customer_id"])[1])
    members = retention_members(world, ids)
    for grain in ("day", "week", "month", "quarter", "year"):
        starts = calendar.periods(first, calendar.as_of, grain)
        moments = [calendar.instant(start) for start in [*starts, calendar.next(starts[-1], grain)]]
        _, there = active_at(world, moments)
        for i, start in enumerate(starts):
            if moments[i + 1] > calendar.as_of:
                continue
            opening, kept = there[:, i], there[:, i] & there[:, i + 1]
            for dimension, (codes, names) in members.items():
                sizes = np.bincount(codes[opening], minlength=len(names))
                stays = np.bincount(codes[kept], minlength=len(names))
                for j in np.flatnonzero(sizes):
                    size, stay = int(sizes[j]), int(stays[j])
                    where = (grain, start, dimension, names[j])
                    results["customer_retention_rate", *where] = Row(stay / size, stay, size, size)
                    results["churn_rate", *where] = Row((size - stay) / size, size - stay, size, size)


def retention_members(world: World, ids: pd.Index[Any]) -> dict[str, tuple[Any, list[str]]]:
    """For each dimension the member of each customer, as a code and the members' names."""
    who = pd.Series(ids, dtype=object)
    first = buyers(world)
    cohorts = dict(zip(first["customer_id"], world.calendar.local(first["at"]).dt.strftime("%Y-%m"), strict=True))
    columns = {"overall": pd.Series("overall", index=who.index), "first_order_cohort": who.map(cohorts)}
    for column in ("segment", "country", "acquisition_channel"):
        columns[column] = who.map(world.lookup("customers", column))
    found = {}
    for dimension, values in columns.items():
        codes, names = pd.factorize(member_names(values.astype(object)))
        found[dimension] = codes, [str(name) for name in names]
    return found


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    revenue(world, results)
    customers(world, results)
    cohort_retention(world, results)
    retention(world, results)
