"""Carts, deliveries, stock and returns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .cases import with_customer
from .contacts import contacts
from .orders import order_products, orders
from .raw import World, else_, kept, remembered, true
from .rollup import Cells, Results

DEFECTS = ("defective", "damaged", "not_as_described")
RETURN_WINDOW = pd.Timedelta(days=30)


def carts(world: World, results: Results) -> None:
    """Carts with an add, or at the checkout, and no purchase within the wait after the last event before it."""
    rows = with_customer(world, world["cart_events"]).sort_values(["event_at", "event_id"], kind="stable")
    rows = rows.assign(at=rows["event_at"], device=rows["device_type"])
    wait = pd.Timedelta(hours=world.vars["cart_abandoned_after_hours"])
    steps = rows[rows["event_type"] != "purchase"]
    sold = orders(world)
    sold = sold[sold["cart_id"].notna()][["cart_id", "at"]]
    bought = pd.concat([rows[rows["event_type"] == "purchase"][["cart_id", "at"]], sold]).sort_values("at")
    before = pd.merge_asof(
        bought, steps[["cart_id", "at"]].assign(step_at=steps["at"]).sort_values("at"), on="at", by="cart_id"
    )
    in_time = set(before["cart_id"][before["at"] - before["step_at"] <= wait])
    last = steps.groupby("cart_id")["at"].max()
    last_step = rows[rows["checkout_step"].notna()].groupby("cart_id")["checkout_step"].last()
    last_type = rows.groupby("cart_id")["event_type"].last()
    for kpi, kind in (("cart_abandonment_rate", "add"), ("checkout_abandonment_rate", "checkout_start")):
        first = rows[rows["event_type"] == kind].drop_duplicates("cart_id")
        first = first.assign(
            bought=first["cart_id"].isin(in_time),
            waited=first["cart_id"].map(last) + wait <= world.as_of,
            last_step=else_(first["cart_id"].map(last_step), first["cart_id"].map(last_type)),
        )
        cells = Cells(world, results, first)
        cells.share(kpi, ~cells["bought"] & cells["waited"], cells["bought"] | cells["waited"])


@remembered
def shipments(world: World) -> pd.DataFrame:
    """Shipments with their order's dimensions and the end of the promised day."""
    rows = world["shipments"].copy()
    for column in ("customer_id", "country", "channel", "ordered_at", "status"):
        rows[column] = rows["order_id"].map(world.lookup("orders", column))
    rows["ordered_at"] = rows["ordered_at"].astype("datetime64[us]")
    rows = with_customer(world, rows)
    days = world.calendar.local(rows["promised_at"]).dt.floor("D") + pd.Timedelta(days=1)
    rows["promise_ends"] = world.calendar.instants(days.astype("datetime64[us]"))
    return rows


def deliveries(world: World, results: Results) -> None:
    """How long, on time, visible, and announced when late."""
    rows = shipments(world)
    happened = world["shipment_events"]
    required = set(world.vars["tracking_required_statuses"])
    wanted = happened[happened["status"].isin(required)]
    counts = wanted.groupby("shipment_id")["status"].nunique()
    rows = rows.assign(
        days=((rows["delivered_at"] - rows["ordered_at"]).dt.total_seconds() / 86400).where(
            rows["status"] != "cancelled"
        ),
        promised=rows["promised_at"].notna(),
        on_time=rows["delivered_at"] < rows["promise_ends"],
        visible=rows["shipment_id"].map(counts).fillna(0) == len(required),
    )
    cells = Cells(world, results, rows, at="delivered_at")
    cells.percentile("delivery_days", "days")
    cells.share("on_time_delivery_rate", cells["on_time"] & cells["promised"], "promised")
    cells.share("tracking_visibility_rate", "visible", 1)
    missed = ~rows["on_time"] & (rows["delivered_at"].notna() | (rows["promise_ends"] <= world.as_of))
    late = rows[rows["promised"] & missed & (rows["status"] != "cancelled")]
    told = happened[(happened["status"] == "exception") & true(happened["is_customer_notified"])]
    told_first = told.groupby("shipment_id")["event_at"].min()
    late = late.assign(told=late["shipment_id"].map(told_first).astype("datetime64[us]") < late["promise_ends"])
    Cells(world, results, late, at="promised_at").share("proactive_notice_rate", "told", 1)


def where_is_my_order(world: World, results: Results) -> None:
    """Contacts about an order on its way, per 100 orders shipped."""
    rows = shipments(world)
    sent = rows[rows["shipped_at"].notna() & rows["order_id"].isin(orders(world)["order_id"])]
    sent = sent.sort_values(["shipped_at", "shipment_id"], kind="stable").drop_duplicates("order_id")
    arrived = sent["order_id"].map(rows.groupby("order_id")["delivered_at"].max()).astype("datetime64[us]")
    sent = sent.assign(at=sent["shipped_at"], until=arrived.fillna(world.as_of))
    asked = contacts(world)[["order_id", "start"]].dropna().merge(sent[["order_id", "at", "until"]], on="order_id")
    asked = asked[(asked["start"] >= asked["at"]) & (asked["start"] <= asked["until"])]
    counts = asked.groupby("order_id").size()
    cells = Cells(world, results, sent.assign(asked=sent["order_id"].map(counts).fillna(0)))
    cells.share("wismo_rate", "asked", 1, factor=100)


def stock(world: World, results: Results) -> None:
    """The last snapshot of each product, location and local day."""
    rows = world["inventory_snapshots"].sort_values("snapshot_at", kind="stable")
    rows = rows.assign(at=rows["snapshot_at"], product=rows["product_id"], location=rows["location_id"])
    rows["day"] = world.calendar.local(rows["at"]).dt.floor("D")
    rows = rows.drop_duplicates(["product_id", "location_id", "day"], keep="last")
    cells = Cells(world, results, rows)
    cells.share("stockout_rate", cells["on_hand_quantity"] <= 0, 1)


def returned(world: World, results: Results) -> None:
    """Orders that came back within 30 days, and why; how long a return takes."""
    rows = orders(world)
    settled = rows["status"].isna() | rows["status"].isin(["shipped", "delivered", "unknown"])
    rows = rows[settled & (rows["at"] + RETURN_WINDOW <= world.as_of)]
    back = world["returns"][["order_id", "product_id", "returned_at", "reason"]].merge(rows[["order_id", "at"]])
    back = back[(back["returned_at"] >= back["at"]) & (back["returned_at"] <= back["at"] + RETURN_WINDOW)]
    category = world.lookup("products", "category")
    items = order_products(world)
    split = rows.merge(items, on="order_id", how="left")
    split = split.assign(category=split["product"].map(category))
    by_category = split.drop_duplicates(["order_id", "category"])
    for kpi, why, dimension, parts in (
        ("return_rate", None, "product", split),
        ("defect_rate", DEFECTS, "product", split),
        ("defect_rate", DEFECTS, "category", by_category),
    ):
        wanted = back if why is None else back[back["reason"].isin(why)]
        hits = rows["order_id"].isin(wanted["order_id"])
        Cells(world, results, rows.assign(back=hits)).share(
            kpi, "back", 1, by=("overall", "channel") if kpi == "return_rate" else ("overall",)
        )
        of_all = set(wanted["order_id"][wanted["product_id"].isna()])
        named = wanted[wanted["product_id"].notna()]
        what = named["product_id"] if dimension == "product" else named["product_id"].map(category)
        pairs = set(zip(named["order_id"], kept(what, what.notna()), strict=True))
        mine = kept(parts[dimension], parts[dimension].notna())
        came = [o in of_all or (o, m) in pairs for o, m in zip(parts["order_id"], mine, strict=True)]
        Cells(world, results, parts.assign(back=np.array(came, dtype=bool))).share(kpi, "back", 1, by=(dimension,))
    done = world["returns"]
    done = done[done["resolved_at"].notna()]
    asked = else_(done["requested_at"], done["returned_at"])
    days = (done["resolved_at"] - asked).dt.total_seconds() / 86400
    done = done.assign(days=days, channel=done["order_id"].map(world.lookup("orders", "channel")))
    Cells(world, results, done, at="resolved_at").percentile("return_resolution_days", "days")


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    for family in (carts, deliveries, where_is_my_order, stock, returned):
        family(world, results)
