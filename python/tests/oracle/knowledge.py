"""Articles, search performance and page audits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .calendar import GRAINS
from .cases import bots, tickets
from .raw import World, true
from .rollup import Cells, Results, Row, attainable, grains_of, member_names
from .web import SUPPORT_PAGES, path_types

USES = ("used", "attached")
BREAKDOWN = ("page_path", "query", "country", "device_type")


def solved_tickets(world: World) -> pd.DataFrame:
    """Solved tickets, on the moment they were solved."""
    rows = tickets(world)
    rows = rows[true(rows["solved"])]
    return rows.assign(at=rows["solved_time"])


def contributions(world: World, results: Results) -> None:
    """Articles written and linked per solved case."""
    solved = solved_tickets(world)
    rows = world["article_events"]
    rows = rows[rows["event_type"].isin(["create", "edit"]) & rows["actor_id"].notna()]
    rows = rows[~rows["actor_id"].isin(bots(world))]
    written = pd.DataFrame(
        {
            "at": rows["event_at"],
            "written": rows["article_id"],
            "agent": rows["actor_id"],
            "team": rows["actor_id"].map(world.lookup("agents", "team")),
            "topic": rows["article_id"].map(world.lookup("knowledge_articles", "topic")),
        }
    )
    both = pd.concat([written, solved[["at", "ticket_id", "agent", "team", "topic"]]], ignore_index=True)
    Cells(world, results, both).distinct("knowledge_contribution_rate", "written", per="ticket_id", factor=100)
    links = world["ticket_articles"]
    linked = links[links["link_type"].isna() | links["link_type"].isin(["used", "created", "attached"])]
    cells = Cells(world, results, solved.assign(linked=solved["ticket_id"].isin(linked["ticket_id"])))
    cells.share("knowledge_link_rate", "linked", 1)


def published(world: World) -> pd.DataFrame:
    """Articles with a publication date, with their dimensions."""
    rows = world["knowledge_articles"]
    rows = rows[rows["published_at"].notna()]
    return rows.assign(article=rows["article_id"], author=rows["author_id"]).reset_index(drop=True)


def published_at_end(rows: pd.DataFrame, end: pd.Timestamp) -> pd.Series[bool]:
    """Which articles are published, and not archived, just before `end`."""
    return (rows["published_at"] < end) & ~(rows["archived_at"] < end)


def reuse(world: World, results: Results) -> None:
    """Pairs of solved case and article per article published at the period's end."""
    links = world["ticket_articles"]
    kind = links["link_type"].where(links["link_type"].notna(), "used")
    born = set(zip(links["ticket_id"][kind == "created"], links["article_id"][kind == "created"], strict=True))
    source = world.lookup("knowledge_articles", "source_ticket_id")
    solved = set(solved_tickets(world)["ticket_id"])
    rows = links[kind.isin(USES) & links["ticket_id"].isin(solved) & links["linked_at"].notna()]
    pairs = list(zip(rows["ticket_id"], rows["article_id"], strict=True))
    keep = [pair not in born and source.get(pair[1]) != pair[0] for pair in pairs]
    rows = rows.assign(pair=[f"{t}|{a}" for t, a in pairs], at=rows["linked_at"], article=rows["article_id"])
    rows = rows[np.array(keep, dtype=bool)]
    rows["author"] = rows["article"].map(world.lookup("knowledge_articles", "author_id"))
    rows["topic"] = rows["article"].map(world.lookup("knowledge_articles", "topic"))
    per_published(world, results, "article_reuse", rows.reset_index(drop=True), "pair", ("article", "author", "topic"))


def visibility(world: World, results: Results) -> None:
    """Published articles with a search impression of articles published at the period's end."""
    rows = one_breakdown(world)
    rows = rows[rows["page_path"].notna()]
    if world["knowledge_articles"]["url_path"].isna().all():
        return
    seen = rows[rows["impressions"] > 0]
    articles = published(world)[["article_id", "url_path", "topic", "language"]].dropna(subset=["url_path"])
    seen = seen[["at", "page_path"]].merge(articles, left_on="page_path", right_on="url_path")
    per_published(
        world, results, "article_search_visibility", seen, "article_id", ("topic", "language"), True, rows["at"]
    )


def per_published(
    world: World,
    results: Results,
    kpi: str,
    rows: pd.DataFrame,
    key: str,
    dimensions: tuple[str, ...],
    same: bool = False,
    watched: pd.Series[Any] | None = None,
) -> None:
    """Distinct `key` of the rows in each period per article published at its end.

    Args:
        world: the world.
        results: where the rows of the KPI go.
        kpi: its id.
        rows: with `at`, `key` and the dimensions.
        key: what is counted once per period and member.
        dimensions: of the KPI, columns of the articles too.
        same: whether `key` is an article that must itself be published at the period's end.
        watched: moments; a period without one is not known. None is always known.
    """
    articles, calendar = published(world), world.calendar
    if articles.empty or not attainable(world, kpi):
        return
    names = {d: member_names(articles[d]) for d in dimensions}
    members = {d: member_names(rows[d]) for d in dimensions}
    days = calendar.local(rows["at"]).dt.date
    for grain in GRAINS:
        periods = days.map({day: calendar.start(day, grain) for day in days.unique()})
        known = (
            None
            if watched is None
            else {calendar.start(day, grain) for day in calendar.local(watched).dt.date.unique()}
        )
        index_of = periods.groupby(periods).indices
        for start in calendar.periods(articles["published_at"].min(), world.as_of, grain):
            if known is not None and start not in known:
                continue
            end = min(calendar.end(start, grain), calendar.end(start, "all"))
            there = published_at_end(articles, end)
            inside = rows.index[index_of.get(start, np.array([], dtype=np.int64))]
            if same:
                inside = inside[rows.loc[inside, key].isin(articles["article_id"][there])]
            keys = rows.loc[inside, key]
            cells = {("overall", "overall"): (keys.nunique(), int(there.sum()))}
            for dimension in dimensions:
                if grain in grains_of(dimension):
                    counted = keys.groupby(members[dimension][inside]).nunique().to_dict()
                    for member, size in names[dimension][there].value_counts().items():
                        cells[dimension, str(member)] = counted.get(member, 0), size
            for (dimension, member), (hits, size) in cells.items():
                if size:
                    results[kpi, grain, start, dimension, member] = Row(hits / size, hits, size, size)


def one_breakdown(world: World) -> pd.DataFrame:
    """search_performance in one breakdown per site and day, without pages that are no support page."""
    rows = world["search_performance"].copy()
    rows["at"] = world.calendar.instants(rows["report_date"])
    filled = rows[list(BREAKDOWN)].notna()
    rank = filled.sum(axis=1) * 16
    for place, column in enumerate(reversed(BREAKDOWN)):
        rank += filled[column] * 2**place
    best = rank.groupby([rows["site"], rows["report_date"]], dropna=False).transform("max")
    types = rows["page_path"].map(path_types(world))
    rows = rows[(rank == best) & (types.isna() | types.isin(SUPPORT_PAGES))]
    return rows.assign(page=rows["page_path"], device=rows["device_type"]).reset_index(drop=True)


def search(world: World, results: Results) -> None:
    """Clicks, click-through and position in search."""
    cells = Cells(world, results, one_breakdown(world))
    cells.total("organic_clicks", "clicks")
    cells.share("organic_ctr", "clicks", "impressions")
    known = cells["average_position"].notna()
    weight = cells["impressions"].where(known, 0)
    cells.share("organic_position", (cells["average_position"] * weight).where(known, 0), weight)


def audits(world: World, results: Results) -> None:
    """The latest mobile score of each page audited in the period."""
    rows = world["page_audits"]
    rows = rows[(rows["form_factor"] == "mobile") & rows["performance_score"].notna()]
    rows = rows.sort_values("audited_at", kind="stable").assign(at=rows["audited_at"], page=rows["page_path"])
    rows["page_type"] = rows["page"].map(path_types(world))
    if rows.empty:
        return
    days = world.calendar.local(rows["at"]).dt.date
    for grain in GRAINS:
        period = days.map(lambda day, grain=grain: world.calendar.start(day, grain))
        latest = rows[~pd.DataFrame({"page": rows["page"], "period": period}).duplicated(keep="last")]
        Cells(world, results, latest).share("mobile_score", "performance_score", 1, grains=(grain,))


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    for family in (contributions, reuse, visibility, search, audits):
        family(world, results)
