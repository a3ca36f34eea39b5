"""Across channels: digital touches and calls, issues, ads, and revenue after support."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .calendar import GRAINS
from .cases import tickets
from .contacts import contacts
from .contacts import window as repeat_window
from .hours import micros
from .money import in_reporting_currency
from .orders import buyers, by_product, orders
from .raw import World, else_, false, kept, remembered
from .rollup import Cells, Results, Row, attainable, grains_of, member_names
from .surveys import responses
from .web import events, sessions, visitors_customer

DIGITAL_CHANNELS = ("chat", "messaging", "email", "social", "web_form", "forum", "app")
DAY = pd.Timedelta(days=1)


def persons(world: World, rows: pd.DataFrame) -> pd.Series[Any]:
    """The customer (given, or the visitor's), else the visitor."""
    return else_("customer:" + rows["customer_id"].astype(object), "visitor:" + rows["visitor_id"].astype(object))


# ---- digital to call ---------------------------------------------------------------------------------


@remembered
def digital_touches(world: World) -> pd.DataFrame:
    """Sessions and digital contacts of known customers, with their last page and search term."""
    columns = [
        "start",
        "end",
        "customer_id",
        "digital_channel",
        "last_page",
        "last_search_term",
        "topic",
        "device",
    ]
    web = sessions(world).assign(digital_channel="web")
    asked = contacts(world)
    asked = asked[asked["channel"].isin(DIGITAL_CHANNELS)]
    asked = asked.assign(digital_channel=asked["channel"], last_page=None, last_search_term=None, device=None)
    both = pd.concat([part[columns].astype(object) for part in (web, asked)], ignore_index=True)
    both = both[both["customer_id"].notna()].astype({"start": "datetime64[us]", "end": "datetime64[us]"})
    both["segment"] = both["customer_id"].map(world.lookup("customers", "segment"))
    return both.assign(at=both["start"]).sort_values("start", kind="stable").reset_index(drop=True)


def digital_to_call(world: World, results: Results) -> None:
    """Digital touches that a phone call of the same customer follows."""
    within = pd.Timedelta(hours=world.vars["digital_to_call_window_hours"])
    calls = contacts(world)
    phone = calls[(calls["channel"] == "phone") & (calls["source"] == "interaction") & calls["customer_id"].notna()]
    phone = phone.sort_values(["at", "contact_id"], kind="stable").reset_index(drop=True)
    touches = digital_touches(world)
    at_of = {str(who): (micros(mine["at"]), mine.index.to_numpy()) for who, mine in phone.groupby("customer_id")}
    last_touch = np.full(len(phone), -1)
    followed = np.zeros(len(touches), dtype=bool)
    columns = (touches["customer_id"], micros(touches["start"]), micros(touches["end"] + within))
    for i, (who, start, until) in enumerate(zip(*columns, strict=True)):
        times, index = at_of.get(who, (np.array([], dtype=np.int64), np.array([], dtype=np.int64)))
        low, high = np.searchsorted(times, [start, until], side="right")
        followed[i] = high > low
        last_touch[index[low:high]] = i  # touches come by start: the latest one stays
    passed = touches["end"] + within <= world.as_of
    cells = Cells(world, results, touches.assign(followed=followed)[passed])
    cells.share("digital_to_call_rate", "followed", 1)
    phone["after"] = last_touch >= 0
    Cells(world, results, phone).share("calls_after_digital_share", "after", 1)
    led = phone[phone["after"]]
    touch = touches.loc[last_touch[last_touch >= 0]].set_axis(led.index)
    for column in ("digital_channel", "last_page", "last_search_term", "device"):
        led = led.assign(**{column: touch[column]})
    Cells(world, results, led).distinct("digital_to_call_customers", "customer_id")


def identified(world: World, results: Results) -> None:
    """Sessions, contacts and cases tied to a customer."""
    web = sessions(world).assign(channel="web")
    calls = contacts(world)
    calls = calls[calls["source"] == "interaction"]
    parts = [part[["at", "channel", "customer_id"]] for part in (web, calls, tickets(world)) if len(part)]
    if parts:
        cells = Cells(world, results, pd.concat(parts, ignore_index=True))
        cells.share("identified_share", cells["customer_id"].notna(), 1)


def issues(world: World, results: Results) -> None:
    """A customer's contacts of one topic, none later than the window after the one before."""
    rows = contacts(world)
    rows = rows[rows["customer_id"].notna()].sort_values(["at", "contact_id"], kind="stable")
    key = [rows["customer_id"], member_names(rows["topic"])]
    gap = rows.groupby(key)["at"].diff()
    number = (gap.isna() | (gap > repeat_window(world))).astype(int).groupby(key).cumsum()
    rows = rows.assign(issue=key[0].astype(str) + "|" + key[1].astype(str) + "|" + number.astype(str))
    by = rows.groupby("issue", sort=False)
    found = by.agg(at=("at", "min"), last=("at", "max"), channels=("channel", "nunique"), contacts=("at", "size"))
    first = rows.drop_duplicates("issue").set_index("issue").reindex(found.index)
    found = found.assign(first_channel=first["channel"], topic=first["topic"], customer_id=first["customer_id"])
    found = found[found["last"] + repeat_window(world) <= world.as_of]
    web = sessions(world)
    web = web[web["support"] & web["customer_id"].notna()]
    starts = {str(who): np.sort(micros(times)) for who, times in web.groupby("customer_id")["at"]}
    before = pd.Timedelta(hours=world.vars["digital_to_call_window_hours"])
    nothing = np.array([], dtype=np.int64)
    visits = []
    for who, since, until in zip(
        found["customer_id"], micros(found["at"] - before), micros(found["last"]), strict=True
    ):
        times = starts.get(who, nothing)
        visits.append(np.searchsorted(times, until, side="right") - np.searchsorted(times, since, side="left"))
    cells = Cells(world, results, found.assign(touches=found["contacts"] + np.array(visits, dtype=int)))
    cells.share("channel_switch_rate", cells["channels"] > 1, 1)
    cells.mean("touches_per_issue", "touches")


def consistency(world: World, results: Results) -> None:
    """Csat of the best channel less that of the worst, among channels with enough answers."""
    rows = responses(world)
    rows = rows[rows["csat_answer"] & (rows["aspect"] == "overall") & rows["channel"].notna()]
    if rows.empty or not attainable(world, "channel_consistency_gap"):
        return
    days = world.calendar.local(rows["at"]).dt.date
    enough = world.vars["minimum_sample"]
    for dimension in ("overall", "topic", "product"):
        members = member_names(rows[dimension]) if dimension != "overall" else pd.Series("overall", index=rows.index)
        for grain in grains_of(dimension) if dimension != "overall" else GRAINS:
            periods = days.map(lambda day, grain=grain: world.calendar.start(day, grain))
            cells = rows.groupby([periods, members, rows["channel"]])["satisfied"].agg(["sum", "size"])
            cells = cells[cells["size"] >= enough]
            cells["csat"] = cells["sum"] / cells["size"]
            for (start, member), cell in cells.groupby(level=[0, 1]):
                if len(cell) > 1:
                    gap = float(cell["csat"].max() - cell["csat"].min())
                    key = ("channel_consistency_gap", grain, start, dimension, str(member))
                    results[key] = Row(gap, None, None, int(cell["size"].sum()))


# ---- ads ---------------------------------------------------------------------------------------------


@remembered
def ad_events(world: World) -> pd.DataFrame:
    """Clicks and impressions with the person, and each click with its session."""
    rows = world["ad_events"].sort_values(["event_at", "event_id"], kind="stable").reset_index(drop=True)
    rows = rows.assign(
        at=rows["event_at"], campaign=rows["campaign_id"], creative=rows["creative_id"],
        is_click=rows["event_type"].isin(["click", "email_click"]),
        is_view=((rows["event_type"] == "impression") & ~false(rows["is_viewable"]))
        | (rows["event_type"] == "email_open"),
    )  # fmt: skip
    rows["customer_id"] = else_(rows["customer_id"], visitors_customer(world, rows["visitor_id"]))
    web = sessions(world).set_index("session")
    rows["session"] = click_sessions(world, rows)
    # Who refused to be joined, or was erased, is not whoever the session is of.
    theirs = rows["session"].map(web["person"]).mask(rows["refused"])
    rows["person"] = else_(persons(world, rows), theirs)
    named = rows["session"].map(web["customer_id"]).mask(rows["refused"])
    unnamed = rows["customer_id"].isna() & named.notna()
    rows["person"] = rows["person"].mask(unnamed, theirs)
    rows["engaged"] = rows["session"].map(web["engaged"]).eq(True)
    for column in ("landing_page", "device"):
        rows[column] = rows["session"].map(web[column])
    own = in_reporting_currency(world, rows["cost_amount"], rows["currency"], rows["at"])
    day = world.calendar.local(rows["at"]).dt.floor("D")
    costs = campaign_costs(world).groupby(["campaign_id", "cost_date"])["cost"].sum(min_count=1)
    clicks = rows[rows["is_click"]].groupby(["campaign_id", day[rows["is_click"]]]).size()
    shares = [
        costs.get((c, d), np.nan) / clicks.get((c, d), np.nan) for c, d in zip(rows["campaign_id"], day, strict=True)
    ]
    rows["cost"] = own.where(rows["cost_amount"].notna(), pd.Series(shares, index=rows.index, dtype=float))
    return rows


def campaign_costs(world: World) -> pd.DataFrame:
    """campaign_costs with `cost` in reporting currency and `at`, the first instant of the day."""
    rows = world["campaign_costs"].copy()
    rows["at"] = world.calendar.instants(rows["cost_date"])
    rows["cost"] = in_reporting_currency(world, rows["cost_amount"], rows["currency"], rows["at"])
    return rows


def click_sessions(world: World, rows: pd.DataFrame) -> pd.Series[Any]:
    """The session each click started: of its click_id, without one the visitor's next within 30 minutes."""
    seen = events(world)
    seen = seen[seen["click_id"].notna()].sort_values(["event_at", "event_id"], kind="stable")
    by_id = seen.drop_duplicates("click_id").set_index("click_id")["session"]
    web = sessions(world)[["session", "visitor", "start"]].dropna().sort_values("start", kind="stable")
    starts = {
        str(who): (micros(mine["start"]), mine["session"].tolist()) for who, mine in web.groupby("visitor", sort=False)
    }
    found: list[str | None] = []
    columns = (rows[c] for c in ("is_click", "click_id", "visitor_id"))
    for is_click, click, visitor, at in zip(*columns, micros(rows["at"]), strict=True):
        session = None
        if is_click and pd.notna(click):
            session = by_id.get(click)
        elif is_click and visitor in starts:
            times, names = starts[visitor]
            i = int(np.searchsorted(times, at, side="left"))
            session = names[i] if i < len(times) and times[i] <= at + 1_800_000_000 else None
        found.append(session)
    return pd.Series(found, index=rows.index, dtype=object)


def clicks(world: World, results: Results) -> None:
    """What ad clicks lead to and cost."""
    rows = ad_events(world)
    rows = rows[rows["is_click"]]
    cells = Cells(world, results, rows)
    cells.share("post_click_engaged_rate", "engaged", 1)
    known = cells["cost"].notna()
    cells.share("unengaged_click_cost_share", cells["cost"].where(~cells["engaged"], 0), "cost", sample=known)
    channel = world.lookup("campaigns", "channel")
    costs = campaign_costs(world)
    costs = costs.assign(campaign=costs["campaign_id"], visit=None)[["at", "campaign", "cost", "visit"]]
    visits = rows.assign(visit=rows["session"], cost=np.nan)[rows["engaged"]][["at", "campaign", "cost", "visit"]]
    both = pd.concat([part for part in (costs, visits) if len(part)] or [costs], ignore_index=True)
    both["channel"] = both["campaign"].map(channel)
    both["cost"] = both["cost"].astype(float)
    Cells(world, results, both).sum_per_distinct("cost_per_engaged_visit", "cost", "visit")


def _times(rows: pd.DataFrame, by: str) -> dict[str, Any]:
    return {str(who): np.sort(micros(times)) for who, times in rows[rows[by].notna()].groupby(by)["at"]}


def _between(times: Any, after: int, until: int) -> bool:
    """Whether a time lies in (after, until]."""
    if times is None:
        return False
    i = int(np.searchsorted(times, after, side="right"))
    return i < len(times) and times[i] <= until


def order_times(world: World) -> pd.DataFrame:
    """person and at of every order."""
    rows = orders(world)
    return rows.assign(person=persons(world, rows))


def people(world: World, results: Results) -> None:
    """People who clicked, and people who only saw, once per campaign."""
    rows = ad_events(world)
    rows = rows[rows["person"].notna()]
    click_days = world.vars["click_through_window_days"]
    view_days = world.vars["view_through_window_days"]
    click_us, view_us = (int(days) * 86_400_000_000 for days in (click_days, view_days))
    bought = _times(order_times(world), "person")
    visited = _times(sessions(world), "person")
    clicked = rows[rows["is_click"]]
    first = clicked.drop_duplicates(["campaign", "person"])
    first = first[first["at"] + pd.Timedelta(days=click_days) <= world.as_of]
    buys = [_between(bought.get(p), t, t + click_us) for p, t in zip(first["person"], micros(first["at"]), strict=True)]
    cells = Cells(world, results, first.assign(buys=np.array(buys, dtype=bool)))
    cells.share("post_click_conversion_rate", "buys", 1)
    own_clicks = clicked.assign(both=clicked["campaign"] + "|" + clicked["person"])
    of_campaign, of_person = _times(own_clicks, "both"), _times(clicked, "person")
    shown = rows[rows["is_view"]].drop_duplicates(["campaign", "person"])
    shown = shown[shown["at"] + pd.Timedelta(days=view_days) <= world.as_of]
    start = np.iinfo(np.int64).min
    keep, visits, converts = [], [], []
    for campaign, person, at in zip(shown["campaign"], shown["person"], micros(shown["at"]), strict=True):
        until = at + view_us
        keep.append(not _between(of_campaign.get(f"{campaign}|{person}"), start, until))
        visits.append(_between(visited.get(person), at, until))
        mine = bought.get(person, np.array([], dtype=np.int64))
        mine = mine[(mine > at) & (mine <= until)]
        converts.append(any(not _between(of_person.get(person), t - click_us - 1, t - 1) for t in mine))
    shown = shown.assign(visits=np.array(visits, dtype=bool), converts=np.array(converts, dtype=bool))
    cells = Cells(world, results, shown[np.array(keep, dtype=bool)])
    cells.share("view_through_visit_rate", "visits", 1)
    cells.share("view_through_conversion_rate", "converts", 1)


# ---- revenue after support ---------------------------------------------------------------------------


def assisted(world: World, results: Results) -> None:
    """Revenue of orders placed in, or within 24 h after, a support session of the same person."""
    sold = order_times(world)
    sold = sold[sold["person"].notna() & sold["amount"].notna()].sort_values("at", kind="stable")
    web = sessions(world)
    web = web[web["support"] & web["person"].notna()]
    visits: dict[str, list[tuple[pd.Timestamp, pd.Timestamp, str]]] = {}
    for person, start, end, session in zip(web["person"], web["start"], web["end"], web["session"], strict=True):
        visits.setdefault(person, []).append((start, end, session))
    credit = []
    for person, at in zip(sold["person"], sold["at"], strict=True):
        mine = [visit for visit in visits.get(person, []) if visit[0] < at <= visit[1] + DAY]
        credit.append(max(mine)[2] if mine else None)
    sold = sold.assign(session=pd.Series(credit, index=sold.index, dtype=object))
    sold = sold[sold["session"].notna()]
    seen = events(world)
    seen = seen[seen["session"].isin(sold["session"])]
    keys = sold[["at", "session", "order_id"]].astype({"session": str})
    for column, rows in (
        ("article", seen[seen["article_id"].notna()]),
        ("cta", seen[(seen["event_name"] == "cta_click") & seen["cta_id"].notna()]),
    ):
        named = rows.sort_values(["event_at", "event_id"], kind="stable").astype({"session": str})
        named = named[["event_at", "session", column]]
        last = pd.merge_asof(keys, named, left_on="at", right_on="event_at", by="session", allow_exact_matches=False)
        sold[column] = sold["order_id"].map(dict(zip(last["order_id"], last[column], strict=True)))
    first = buyers(world)
    first_order = set(first["order_id"])
    kind = pd.Series(np.where(sold["order_id"].isin(first_order), "new", "repeat"), index=sold.index, dtype=object)
    sold["new_or_repeat"] = kept(kind, sold["customer_id"].notna())
    whole = Cells(world, results, sold)
    whole.total("support_assisted_revenue", "amount", by=("overall", "article", "cta", "new_or_repeat"))
    split = by_product(world, sold.drop(columns=["session"]), ["amount"])
    split["category"] = split["product"].map(world.lookup("products", "category"))
    whole_orders = split.groupby(["order_id", "category"], dropna=False, as_index=False)  # an order is one in each
    split = whole_orders.agg({"at": "first", "amount": "sum"})
    Cells(world, results, split).total("support_assisted_revenue", "amount", by=("category",))


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    for family in (digital_to_call, identified, issues, consistency, clicks, people, assisted):
        family(world, results)
