"""Web events to page views and sessions, and the KPIs of them."""

from __future__ import annotations

import csv
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from .cases import cases
from .contacts import contacts
from .hours import micros
from .raw import World, else_, kept, remembered, true
from .rollup import Cells, Results

SUPPORT_PAGES = ("support_home", "support_article", "support_search", "contact")
SEED = Path(__file__).resolve().parents[3] / "seeds" / "search_engines.csv"
ENGAGED_ON_ARTICLE_SECONDS = 30


def host(url: str) -> str:
    """The host of a referrer, lower case, without port."""
    text = url.strip()
    return (urlsplit(text if "//" in text else f"//{text}").hostname or "").lower()


@cache
def search_engine_patterns() -> list[str]:
    """The seed's patterns of hosts without www., with * for any text."""
    with SEED.open(newline="", encoding="utf-8") as file:
        return [row["host_pattern"].replace("%", "*") for row in csv.DictReader(file)]


def is_search_engine(name: str) -> bool:
    """Whether a host is a search engine."""
    return any(fnmatchcase(name.removeprefix("www."), pattern) for pattern in search_engine_patterns())


@remembered
def events(world: World) -> pd.DataFrame:
    """Events of people, in order within a session, with `session`, `page_view` and the page's type."""
    rows = world["web_events"]
    rows = rows[~true(rows["is_bot"])]
    rows = rows.sort_values(["session_visitor", "event_at", "event_id"], kind="stable").reset_index(drop=True)
    unnamed = rows[rows["session_id"].isna()]
    quiet = unnamed.groupby("session_visitor")["event_at"].diff()
    timeout = pd.Timedelta(minutes=world.vars["session_timeout_minutes"])
    cut = (quiet.isna() | (quiet > timeout)).cumsum().astype(str)
    key = rows["session_visitor"] + "|id|" + rows["session_id"].fillna("")
    key[unnamed.index] = unnamed["session_visitor"] + "|cut|" + cut
    rows["session"] = key
    own_row = "row|" + rows["event_id"]
    rows["page_view"] = else_("id|" + rows["page_view_id"], own_row)  # also where its rows name other sessions
    rows["page_type"] = rows["page_type"].mask(rows["article_id"].notna(), "support_article")
    rows["is_support"] = rows["page_type"].isin(SUPPORT_PAGES)
    # Who refused to be joined is nobody, and not somebody else who used the same device.
    visitors = visitors_customer(world, rows["visitor_id"])
    theirs = else_(rows["customer_id"], kept(visitors, visitors.notna() & ~rows["refused"]))
    rows["own_language"] = rows["language"]
    for column in ("country", "language"):
        rows[column] = else_(rows[column], theirs.map(world.lookup("customers", column)))
    rows["at"], rows["device"], rows["page"] = rows["event_at"], rows["device_type"], rows["page_path"]
    rows["article"], rows["cta"] = rows["article_id"], rows["cta_id"]
    return rows


def visitors_customer(world: World, visitors: pd.Series[Any]) -> pd.Series[Any]:
    """The customer of each visitor, where they agreed to be joined and did not ask to be erased."""
    found = visitors.map(world.identity)
    return kept(found, ~found.isin(world.without_consent | world.erased))


@remembered
def page_views(world: World) -> pd.DataFrame:
    """One row per page view, in order, with its session."""
    rows = events(world)
    rows = rows[rows["event_name"] == "page_view"].sort_values(["event_at", "event_id"], kind="stable")
    rows = rows.drop_duplicates("page_view")
    return rows.sort_values(["session", "event_at", "event_id"], kind="stable").reset_index(drop=True)


@remembered
def sessions(world: World) -> pd.DataFrame:
    """One row per session: start, end, customer, person, what its first page view and last article say."""
    rows, views = events(world), page_views(world)
    by = rows.groupby("session", sort=True)
    found = pd.DataFrame({"start": by["event_at"].min(), "end": by["event_at"].max()})
    found["visitor"] = by["visitor_id"].last()
    naming = rows[rows["customer_id"].notna() | rows["refused"]].drop_duplicates("session", keep="last")
    named = naming.set_index("session")["customer_id"].reindex(found.index)
    visitors = visitors_customer(world, found["visitor"])
    visitors = kept(visitors, visitors.notna() & ~found.index.isin(naming["session"]))
    found["customer_id"] = else_(named, visitors)
    gone = naming["session"][naming["names_erased"]]
    found["visitor"] = kept(found["visitor"], found["visitor"].notna() & ~found.index.isin(gone))
    found["person"] = else_("customer:" + found["customer_id"], "visitor:" + found["visitor"])
    first = views.drop_duplicates("session").set_index("session").reindex(found.index)
    last = views.drop_duplicates("session", keep="last").set_index("session").reindex(found.index)
    found["device"], found["page_type"], found["site"] = (
        first["device_type"],
        first["page_type"],
        first["site"],
    )
    for column in ("country", "language"):
        theirs = found["customer_id"].map(world.lookup("customers", column))
        found[column] = else_(first[column], theirs)
    found["landing_page"], found["exit_page"] = first["page_path"], last["page_path"]
    found["last_page"] = last["page_path"]
    found["landing_article"], found["landing_term"] = first["article_id"], first["search_term"]
    found["last_search_term"] = rows[rows["search_term"].notna()].groupby("session")["search_term"].last()
    last_article = rows[rows["article_id"].notna()].groupby("session")["article_id"].last().reindex(found.index)
    found["topic"] = last_article.map(world.lookup("knowledge_articles", "topic"))
    found["source"], found["organic"] = source_of(world, first)
    found["has_view"] = first["event_id"].notna()
    found["views"] = views.groupby("session").size().reindex(found.index).fillna(0)
    found["support"] = rows.groupby("session")["is_support"].any().reindex(found.index).eq(True)
    for name, flag in (
        ("lead", "lead"),
        ("purchase", "purchase"),
        ("contact", "contact_click"),
        ("chat", "chat_request"),
    ):
        there = rows[rows["event_name"] == flag]["session"].unique()
        found[f"has_{name}"] = found.index.isin(there)
    carried = by["engagement_ms"].sum(min_count=1) / 1000
    found["engaged_seconds"] = carried.fillna((found["end"] - found["start"]).dt.total_seconds())
    long = found["engaged_seconds"] >= world.vars["engaged_session_seconds"]
    found["engaged"] = (found["views"] >= 2) | long | found["has_lead"] | found["has_purchase"]
    found["segment"] = found["customer_id"].map(world.lookup("customers", "segment"))
    found["at"] = found["start"]
    return found.reset_index()


def source_of(world: World, first: pd.DataFrame) -> tuple[pd.Series[Any], pd.Series[bool]]:
    """The source of each session (null without a page view) and whether it came from an organic search."""
    own = {site.strip().lower() for site in world["web_events"]["site"].dropna().unique()}
    own -= {site for site in own if is_search_engine(site)}
    hosts = first["referrer"].map({url: host(url) for url in first["referrer"].dropna().unique()})
    external = kept(hosts, hosts.notna() & (hosts != "") & ~hosts.isin(own))
    source = else_(else_(first["utm_source"], external), pd.Series("direct", index=first.index))
    engines = {name for name in hosts.dropna().unique() if is_search_engine(name)}
    medium = first["utm_medium"].str.strip().str.lower()
    untagged = first["utm_medium"].isna() & first["click_id"].isna() & hosts.isin(engines)
    return kept(source, first["event_id"].notna()), (medium == "organic") | untagged


@remembered
def path_types(world: World) -> dict[str, str]:
    """Page path to page type: an article's by its url_path, else the events' commonest, ties alphabetical."""
    rows = events(world)
    rows = rows[rows["page_path"].notna() & rows["page_type"].notna() & (rows["page_type"] != "unknown")]
    counted = rows.groupby(["page_path", "page_type"]).size().reset_index(name="events")
    best = counted.sort_values(["page_path", "events", "page_type"], ascending=[True, False, True])
    best = best.drop_duplicates("page_path")
    found = dict(zip(best["page_path"], best["page_type"], strict=True))
    return found | dict.fromkeys(world["knowledge_articles"]["url_path"].dropna(), "support_article")


def visits(world: World, results: Results) -> None:
    """Sessions and page views."""
    rows = sessions(world)
    every = Cells(world, results, rows)
    every.count("web_sessions")
    every.share("conversion_rate", "has_purchase", 1)
    viewed = Cells(world, results, rows[rows["has_view"]])
    viewed.share("bounce_rate", viewed["views"] == 1, 1)
    viewed.share("pages_per_session", "views", 1)
    support = Cells(world, results, rows[rows["support"]])
    support.count("support_sessions")
    landed = rows.assign(article=rows["landing_article"], search_term=rows["landing_term"])
    organic = landed[rows["support"] & rows["organic"]]
    Cells(world, results, organic).count("organic_support_sessions")
    views = page_views(world)
    views = views.assign(is_last=~views.duplicated("session", keep="last"))
    Cells(world, results, views).share("exit_rate", "is_last", 1)
    read = views[views["article_id"].notna()]
    theirs = read["article_id"].map(world.lookup("knowledge_articles", "language"))
    read = read.assign(
        match=primary(read["language"]) == primary(theirs), known=read["language"].notna() & theirs.notna()
    )
    Cells(world, results, read).share("language_match_rate", "match", "known")


def primary(languages: pd.Series[Any]) -> pd.Series[Any]:
    """The primary subtag of each language tag."""
    return languages.map({tag: re.split("[-_]", tag.strip().lower())[0] for tag in languages.dropna().unique()})


def contact_starts(world: World) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
    """The moments at which each known customer began a case or a contact, ascending."""
    both = pd.concat([cases(world)[["customer_id", "at"]], contacts(world)[["customer_id", "at"]]])
    both = both[both["customer_id"].notna()].drop_duplicates().sort_values("at")
    return {str(who): micros(times) for who, times in both.groupby("customer_id")["at"]}


def followed(
    starts: dict[str, np.ndarray[Any, np.dtype[np.int64]]], rows: pd.DataFrame, window: pd.Timedelta
) -> pd.Series[bool]:
    """Whether a moment of the row's customer lies after its start and at most `window` after its end."""
    after, until = micros(rows["start"]), micros(rows["end"] + window)
    nothing = np.array([], dtype=np.int64)
    found = []
    for who, low, high in zip(rows["customer_id"], after, until, strict=True):
        times = starts.get(who, nothing)
        next_ = np.searchsorted(times, low, side="right")
        found.append(next_ < len(times) and times[next_] <= high)
    return pd.Series(found, index=rows.index, dtype=bool)


def self_service(world: World, results: Results) -> None:
    """Whether support sessions are enough."""
    window = pd.Timedelta(hours=world.vars["digital_to_call_window_hours"])
    rows = sessions(world)
    rows = rows[rows["support"] & (rows["end"] + window <= world.as_of)].reset_index(drop=True)
    rows["followed"] = followed(contact_starts(world), rows, window)
    known = Cells(world, results, rows[rows["customer_id"].notna()])
    known.share("self_service_success_rate", ~known["followed"], 1)
    contacted = rows["followed"] | rows["has_contact"] | rows["has_chat"]
    rows["given_up"] = ~contacted & ~rows["session"].isin(successes(world))
    Cells(world, results, rows).share("support_abandonment_rate", "given_up", 1)


def successes(world: World) -> set[str]:
    """Sessions with a helpful vote, a cta click, a purchase or 30 engaged seconds on an article."""
    rows = events(world)
    helpful = (rows["event_name"] == "article_vote") & (rows["vote"] == "helpful")
    found = set(rows["session"][helpful | rows["event_name"].isin(["cta_click", "purchase"])])
    return found | set(article_seconds(world).query(f"seconds >= {ENGAGED_ON_ARTICLE_SECONDS}")["session"])


def article_seconds(world: World) -> pd.DataFrame:
    """session, article, seconds: engaged time on each article, credited to the page it was spent on."""
    rows, views = events(world), page_views(world)
    is_view = rows["event_name"] == "page_view"
    current = rows["article_id"].where(is_view, np.nan)
    number = is_view.groupby(rows["session"]).cumsum()
    page = rows["session"] + "|" + number.astype(str)
    on_page = current.groupby(page).transform("first")
    own = else_(kept(rows["article_id"], ~is_view), on_page)
    # All rows of one page view are that page view, and tell of the page before it.
    before = rows["page_view"].map(views.groupby("session")["article_id"].shift(1).set_axis(views["page_view"]))
    carried = rows.groupby("session")["engagement_ms"].transform("count") > 0
    following = rows.groupby("session")["event_at"].shift(-1)
    gap = (following - rows["event_at"]).dt.total_seconds()
    spent = pd.DataFrame({"session": rows["session"], "article": own, "seconds": gap})
    spent["article"] = spent["article"].where(~(is_view & carried), before)
    spent["seconds"] = spent["seconds"].where(~carried, rows["engagement_ms"] / 1000)
    return spent.dropna().groupby(["session", "article"])["seconds"].sum().reset_index()


def site_search(world: World, results: Results) -> None:
    """Whether site searches find something."""
    rows = events(world)
    searches = rows["event_name"] == "site_search"
    turn = searches.groupby(rows["session"]).cumsum()
    hit = (rows["event_name"] == "search_click") | ((rows["event_name"] == "page_view") & rows["article_id"].notna())
    rows = rows.assign(turn=rows["session"] + "|" + turn.astype(str), found=hit & ~searches)
    rows["success"] = rows.groupby("turn")["found"].transform("any")
    cells = Cells(world, results, rows[searches])
    cells.share("site_search_success_rate", "success", 1)
    counts = cells["search_result_count"]
    cells.share("site_search_no_result_rate", counts == 0, counts.notna())


def ctas(world: World, results: Results) -> None:
    """Calls to action: clicked of shown, value per click, leads."""
    rows = events(world)
    shown = rows[rows["event_name"].isin(["cta_impression", "cta_click"])]
    shown = shown.assign(clicked=shown["event_name"] == "cta_click")
    key = ["session", "cta_id", "cta_position", "page_path"]
    shown["once"] = shown.groupby(key, dropna=False)["clicked"].transform("any")
    Cells(world, results, shown.drop_duplicates(key)).share("cta_click_rate", "once", 1)
    clicks = rows["event_name"] == "cta_click"
    number = clicks.astype(int).groupby(rows["session"]).cumsum()
    click = rows["session"] + "|" + number.astype(str)
    sold = rows["event_name"].isin(["purchase", "lead"]) & (number > 0)
    credit = rows["value_amount"][sold].groupby(click[sold]).sum()
    clicked = rows[clicks].assign(credit=click[clicks].map(credit).fillna(0))
    Cells(world, results, clicked[clicked["is_support"]]).share("cta_value", "credit", 1)
    helped = rows["is_support"].astype(int)
    before = helped.groupby(rows["session"]).cumsum() - helped > 0
    leads = rows.assign(
        article=rows.groupby("session")["article_id"].ffill(),
        cta=rows["cta_id"].where(clicks, np.nan).groupby(rows["session"]).ffill(),
    )[before & (rows["event_name"] == "lead")]
    Cells(world, results, leads).count("support_leads")


def votes(world: World, results: Results) -> None:
    """Helpful votes of votes."""
    rows = events(world)
    rows = rows[(rows["event_name"] == "article_vote") & rows["vote"].isin(["helpful", "not_helpful"])]
    rows = rows.assign(topic=rows["article_id"].map(world.lookup("knowledge_articles", "topic")))
    cells = Cells(world, results, rows)
    cells.share("article_helpfulness", cells["vote"] == "helpful", 1)


def vitals(world: World, results: Results) -> None:
    """How quick the pages are: one measurement per page view, its last known value."""
    rows = events(world).sort_values(["event_at", "event_id"], kind="stable")
    measures = ["page_load_ms", "lcp_ms", "inp_ms", "cls"]
    measured = rows.groupby("page_view")[measures].last()
    is_view = rows["event_name"] == "page_view"
    rows = rows[is_view | rows[measures].notna().any(axis=1)]  # without the view, its first measurement
    pages = rows.assign(order=(~is_view).astype(int)).sort_values(["order", "event_at", "event_id"], kind="stable")
    pages = pages.drop_duplicates("page_view").drop(columns=measures).merge(measured, on="page_view")
    cells = Cells(world, results, pages)
    for kpi, measure in zip(("page_load_p75_ms", "lcp_p75_ms", "inp_p75_ms", "cls_p75"), measures, strict=True):
        cells.percentile(kpi, measure, 0.75)
    slow = (cells["lcp_ms"] > 2500) | (cells["inp_ms"] > 200) | (cells["cls"] > 0.1)
    known = cells.rows[["lcp_ms", "inp_ms", "cls"]].notna().any(axis=1)
    cells.share("good_vitals_share", known & ~slow, known)


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    for family in (visits, self_service, site_search, ctas, votes, vitals):
        family(world, results)
