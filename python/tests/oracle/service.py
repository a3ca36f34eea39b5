"""Contacts and cases: speed, effectiveness and cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .calendar import GRAINS
from .cases import cases, field_events, histories, interactions, is_outcome_recorded, reassigned, tickets
from .hours import micros, service_hours
from .raw import World, true
from .rollup import Cells, Results, Row, attainable, grains_of, member_names

AGE_BANDS = ((1, "0-1"), (3, "1-3"), (7, "3-7"), (30, "7-30"), (float("inf"), "30+"))


def minutes(spans: pd.Series[Any]) -> pd.Series[float]:
    """Durations as minutes."""
    found: pd.Series[float] = spans.dt.total_seconds() / 60
    return found


def first_response(world: World, results: Results) -> None:
    """How long until the first response, for cases of each kind whose responses are recorded."""
    rows = cases(world)
    if world["ticket_messages"].empty:
        rows = rows[rows["source"] != "ticket"]
    calls = interactions(world)
    if calls.loc[calls["inbound"], "answered_at"].isna().all():
        rows = rows[rows["source"] == "ticket"]
    rows = rows.assign(minutes=minutes(rows["response_at"] - rows["created_at"]))
    targets = world.vars["first_response_target_minutes"]
    rows["target"] = rows["channel"].map(lambda channel: targets.get(channel, 1440)).astype(float)
    passed = rows["created_at"] + pd.to_timedelta(rows["target"], unit="min") <= world.as_of
    rows["due"] = (rows["minutes"].notna() | passed) & ~rows["unknown_response"].astype(bool)
    rows["within"] = rows["minutes"] <= rows["target"]
    cells = Cells(world, results, rows)
    cells.percentile("first_response_minutes", "minutes")
    cells.mean("first_response_minutes_mean", "minutes")
    cells.share("first_response_within_target", "within", "due")
    answered = rows[(rows["source"] == "ticket") & rows["minutes"].notna()].reset_index(drop=True)
    answered["business_minutes"] = business_minutes(world, answered)
    Cells(world, results, answered).percentile("first_response_business_minutes", "business_minutes")


def schedule_changes(world: World) -> dict[str, list[tuple[pd.Timestamp, str | None, str | None]]]:
    """(moment, old, new) of each ticket's schedule events."""
    events = field_events(world)
    events = events[events["field"] == "schedule"]
    found: dict[str, list[tuple[pd.Timestamp, str | None, str | None]]] = {}
    columns = (events[c] for c in ("ticket_id", "event_at", "old_value", "new_value"))
    for ticket, at, old, new in zip(*columns, strict=True):
        found.setdefault(ticket, []).append((at, old, new))
    return found


def business_minutes(world: World, rows: pd.DataFrame) -> pd.Series[float]:
    """Open minutes of each ticket's schedule between created_at and response_at."""
    hours = service_hours(world)
    changes = schedule_changes(world)
    pieces: dict[tuple[str | None, str | None], list[tuple[int, pd.Timestamp, pd.Timestamp]]] = {}
    columns = (rows[c] for c in ("case_id", "schedule_id", "channel", "created_at", "response_at"))
    for i, (ticket, schedule, channel, start, end) in enumerate(zip(*columns, strict=True)):
        steps = changes.get(ticket, [])
        now = steps[0][1] if steps and steps[0][1] is not None else schedule
        for at, _, new in [*steps, (end, None, None)]:
            until = min(max(at, start), end)
            if until > start:
                pieces.setdefault((now, channel), []).append((i, start, until))
            start, now = max(start, until), new
    total = np.zeros(len(rows))
    for (schedule, channel), found in pieces.items():
        spans = hours.of(schedule, channel)
        index = [f[0] for f in found]
        starts, ends = (micros(pd.Series([f[k] for f in found])) for k in (1, 2))
        elapsed = ends - starts if spans is None else spans.elapsed(ends) - spans.elapsed(starts)
        np.add.at(total, index, elapsed / 6e7)
    return pd.Series(total, index=rows.index)


def resolution(world: World, results: Results) -> None:
    """Whether and how fast tickets are solved."""
    rows = tickets(world)
    rows = rows.assign(
        hours=minutes(rows["solved_time"] - rows["created_at"]) / 60,
        known=rows["solved"].notna(),
        is_solved=true(rows["solved"]),
        unanswered=rows["response_at"].isna() & ~rows["unknown_response"],
        reassigned=reassigned(world, rows),
    )
    cells = Cells(world, results, rows)
    cells.percentile("resolution_hours", "hours")
    cells.mean("resolution_hours_mean", "hours")
    cells.share("solved_rate", "is_solved", "known")
    cells.share("unanswered_rate", "unanswered", 1)
    recorded = set(field_events(world)["field"])
    if "status" in recorded:
        cells.share("reopen_rate", cells["reopened"] & cells["ever_solved"], "ever_solved")
    if recorded & {"team", "assignee"}:
        cells.share("reassignment_rate", "reassigned", 1)


def case_volume(world: World, results: Results) -> None:
    """Tickets and inbound interactions that belong to none."""
    Cells(world, results, cases(world)).count("case_volume")


def open_spans(world: World) -> pd.DataFrame:
    """When each ticket was open: one row per stay, (opened, left], `left` null while it is."""
    rows = tickets(world)
    past = histories(world)
    stays: list[tuple[int, pd.Timestamp, pd.Timestamp | None]] = []
    columns = (rows[c] for c in ("ticket_id", "created_at", "solved", "solved_time"))
    for i, (ticket, created, solved, solved_time) in enumerate(zip(*columns, strict=True)):
        opened = created
        for from_, to in past[ticket].solved_spans if ticket in past else []:
            stays.append((i, opened, from_))
            opened = to
        if ticket in past:
            if opened is not None:
                stays.append((i, opened, None))
        elif solved is False or (solved is True and pd.notna(solved_time)):
            stays.append((i, created, solved_time if solved else None))
    index = [s[0] for s in stays]
    found = rows.iloc[index].reset_index(drop=True)
    found["opened"] = pd.Series([s[1] for s in stays], index=found.index, dtype="datetime64[us]")
    found["left"] = pd.Series([s[2] for s in stays], index=found.index, dtype="datetime64[us]")
    return found


def backlog(world: World, results: Results) -> None:
    """Tickets created and not solved just before each period's end; a running period ends at as_of."""
    rows = open_spans(world)
    if rows.empty or not attainable(world, "backlog"):
        return
    dimensions = ("channel", "topic", "team", "priority")
    names = {dimension: member_names(rows[dimension]) for dimension in dimensions}
    for grain in GRAINS:
        for start in world.calendar.periods(rows["created_at"].min(), world.as_of, grain):
            end = min(world.calendar.end(start, grain), world.calendar.end(start, "all"))
            there = (rows["created_at"] < end) & (rows["opened"] < end) & ~(rows["left"] < end)
            age = (end - rows["created_at"][there]).dt.total_seconds() / 86400
            bands = age.map(lambda days: next(band for limit, band in AGE_BANDS if days < limit))
            counts = {("overall", "overall"): int(there.sum())}
            for dimension in dimensions:
                for member, count in names[dimension][there].value_counts().items():
                    counts[dimension, str(member)] = count
            for band, count in bands.value_counts().items():
                counts["age_band", str(band)] = count
            for (dimension, member), count in counts.items():
                if count and grain in grains_of(dimension):
                    results["backlog", grain, start, dimension, member] = Row(count, count, None, count)


def queue(world: World, results: Results) -> None:
    """Offered, answered and abandoned inbound interactions, legs included."""
    rows = interactions(world)
    rows = rows[rows["inbound"]]
    rows = rows.assign(offered=rows["by_agent"] | rows["abandoned"])
    cells = Cells(world, results, rows)
    cells.share("queue_abandonment_rate", "abandoned", "offered")
    short = cells["abandoned"] & (cells["wait"] <= world.vars["short_abandon_seconds"])
    cells.share("queue_abandonment_rate_net", cells["abandoned"] & ~short, cells["offered"] & ~short)
    calls = Cells(world, results, rows[(rows["channel"] == "phone") & ~rows["leg"]])
    if is_outcome_recorded(rows):
        calls.share("ivr_abandonment_rate", calls["outcome"] == "abandoned_in_ivr", 1)
    if cells["measured_wait"].notna().any():
        cells.mean("speed_of_answer_seconds", cells["wait"].where(cells["by_agent"]))
        limit = cells["channel"].map(lambda c: world.vars["service_level_seconds"].get(c, np.nan)).astype(float)
        cells.share("service_level", cells["by_agent"] & (cells["wait"] <= limit), cells["offered"] & limit.notna())
    cells.share("transfer_rate", cells["answered"] & (cells["transfer_count"] > 0),
                cells["answered"] & cells["transfer_count"].notna())  # fmt: skip


def handling(world: World, results: Results) -> None:
    """Talk, hold and wrap-up of inbound interactions answered by an agent, legs included."""
    rows = interactions(world)
    rows = rows[rows["inbound"] & rows["by_agent"] & rows["handle"].notna()]
    cells = Cells(world, results, rows)
    cells.mean("handle_seconds", "handle")
    cells.percentile("handle_seconds_median", "handle")
    if world["interactions"]["hold_seconds"].notna().any():
        cells.share("hold_share", "hold", "handle")


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    case_volume(world, results)
    first_response(world, results)
    resolution(world, results)
    backlog(world, results)
    queue(world, results)
    handling(world, results)
