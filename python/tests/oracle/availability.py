"""Are we there: staffing, service hours, uptime. Everything here is time cut into pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from .cases import bots, interactions
from .contacts import contacts
from .hours import Moments, ServiceHours, Spans, micros, service_hours
from .raw import MOMENT, World, kept, remembered
from .rollup import Cells, Results
from .service import schedule_changes
from .web import page_views, sessions

HOUR = 3_600_000_000
DAY = pd.Timedelta(hours=24)
STAFFED = ("online", "busy")
AVAILABLE = ("online",)
Stay = tuple[int, int, str]  # start, end, status


@remembered
def statuses(world: World) -> pd.DataFrame:
    """Status events of people, in order."""
    rows = world["agent_status_events"]
    rows = rows[~rows["agent_id"].isin(bots(world))].copy()
    rows["every"] = rows["channel"].isna()
    return rows.sort_values(["agent_id", "started_at", "every"], ascending=[True, True, False], kind="stable")


def stays(world: World, channel: str | None) -> dict[str, list[Stay]]:
    """Each agent's statuses on a channel, until the next event on it or on every channel, at most 24 h."""
    rows = statuses(world)
    rows = rows[rows["every"] | (rows["channel"] == channel)]
    starts = micros(rows["started_at"])
    limits = [rows["started_at"] + DAY, rows.groupby("agent_id")["started_at"].shift(-1), rows["ended_at"]]
    limits.append(pd.Series(world.as_of, index=rows.index))
    ends = micros(pd.concat(limits, axis=1).min(axis=1).astype(MOMENT))
    found: dict[str, list[Stay]] = {}
    for agent, status, start, end in zip(rows["agent_id"], rows["status"], starts, ends, strict=True):
        found.setdefault(agent, []).append((int(start), int(end), status))
    return found


def with_status(found: dict[str, list[Stay]], wanted: tuple[str, ...]) -> dict[str, Spans]:
    """Each agent's time in one of the statuses."""
    return {agent: Spans((a, b) for a, b, s in mine if s in wanted) for agent, mine in found.items()}


def together(spans: Iterable[Spans]) -> Spans:
    """The time in any of them."""
    return Spans(pair for one in spans for pair in one.pairs())


def pieces(world: World, starts: Moments, ends: Moments) -> tuple[Any, Moments, Moments]:
    """Intervals cut where a local hour begins: the interval each piece is of, its start and its end."""
    local = world.calendar.local(pd.Series(_days(starts, ends)))
    whole_hours = bool((local.dt.minute == 0).all())
    step = HOUR if whole_hours else HOUR // 4
    counts = np.maximum((ends - 1) // step - starts // step + 1, 0)
    index = np.repeat(np.arange(len(starts)), counts)
    offset = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    edges = (starts // step)[index] * step + offset * step
    return index, np.maximum(edges, starts[index]), np.minimum(edges + step, ends[index])


def _days(starts: Moments, ends: Moments) -> Any:
    """A midnight UTC of every fortnight, to see the zone's offsets."""
    if not len(starts):
        return np.array([], dtype=MOMENT)
    first, last = starts.min() // (24 * HOUR), ends.max() // (24 * HOUR) + 14
    return np.arange(first, last + 1, 14).astype("datetime64[D]").astype(MOMENT)


def as_moments(values: Moments) -> pd.Series[Any]:
    """Microseconds since 1970 as moments."""
    return pd.Series(values.astype("datetime64[us]"))


def staffing(world: World, results: Results) -> None:
    """Scheduled time with somebody there."""
    rows = statuses(world)
    if rows.empty or world["service_hours"].empty:
        return
    first = int(micros(rows["started_at"]).min())
    as_of = int(micros(pd.Series([world.as_of]))[0])
    named = {*world["service_hours"]["channel"].dropna(), *rows["channel"].dropna()}
    watched = Spans([(first, as_of)])
    for kpi, wanted in (("staffed_share", STAFFED), ("available_share", AVAILABLE)):
        found = []
        for channel in sorted(named) or [None]:
            spans = service_hours(world).of(None, channel)
            scheduled = watched if spans is None else spans.within(watched)
            there = together(with_status(stays(world, channel), wanted).values())
            _, starts, ends = pieces(world, scheduled.starts, scheduled.ends)
            minutes = (there.elapsed(ends) - there.elapsed(starts)) / 6e7
            parts = pd.DataFrame({"at": as_moments(starts), "there": minutes, "all": (ends - starts) / 6e7})
            found.append(parts.assign(channel=channel))
        Cells(world, results, pd.concat(found, ignore_index=True)).share(kpi, "there", "all")


def occupancy(world: World, results: Results) -> None:
    """Handle time and contacts per time online or busy, over agents with status events."""
    rows = statuses(world)
    calls = interactions(world)
    recorded = calls[calls["agent"].notna()]
    calls = calls[(calls["inbound"] | calls["outbound"]) & calls["by_agent"] & calls["agent"].isin(rows["agent_id"])]
    work = calls[["at", "agent", "team", "channel", "handle"]].assign(contacts=1, seconds=0.0)
    work["handle"] = work["handle"].fillna(0)
    named = sorted({*rows["channel"].dropna(), *calls["channel"].dropna()})
    by_channel = {channel: with_status(stays(world, channel), STAFFED) for channel in named or [None]}
    agents = rows["agent_id"].unique()
    own = {agent: together(mine[agent] for mine in by_channel.values() if agent in mine) for agent in agents}
    for by, timelines in (
        (("overall", "team", "agent"), {None: own}),
        (("channel",), by_channel),
    ):  # fmt: skip
        found = [work]
        for channel, mine in timelines.items():
            for agent, spans in mine.items():
                _, starts, ends = pieces(world, spans.starts, spans.ends)
                time = pd.DataFrame({"at": as_moments(starts), "seconds": (ends - starts) / 1e6})
                found.append(time.assign(agent=agent, channel=channel, handle=0.0, contacts=0))
        both = pd.concat([part for part in found if len(part)] or [work], ignore_index=True)
        both["team"] = both["agent"].map(world.lookup("agents", "team"))
        cells = Cells(world, results, both)
        if recorded["talk_seconds"].notna().any():
            cells.share("occupancy", "handle", "seconds", by=by)
        if (recorded["outcome"].notna() & (recorded["outcome"] != "unknown")).any():
            cells.share("contacts_per_agent_hour", "contacts", cells["seconds"] / 3600, by=by)


def open_at(hours: ServiceHours, schedule: str | None, channel: str | None, moments: Moments) -> Any:
    """Whether each moment is in the open hours of a schedule (else all) and channel."""
    spans = hours.of(schedule, channel)
    return np.ones(len(moments), dtype=bool) if spans is None else spans.contain(moments)


def in_open_hours(world: World, rows: pd.DataFrame) -> pd.Series[bool]:
    """Whether `at` is in the open hours of the row's `schedule_id` and `channel`."""
    found = pd.Series(True, index=rows.index)
    columns = [kept(rows[column], rows[column].notna()).tolist() for column in ("schedule_id", "channel")]
    groups: dict[tuple[str | None, str | None], list[int]] = {}
    for index, schedule, channel in zip(rows.index, *columns, strict=True):
        groups.setdefault((schedule, channel), []).append(index)
    for (schedule, channel), index in groups.items():
        found[index] = open_at(service_hours(world), schedule, channel, micros(rows.loc[index, "at"]))
    return found


def schedule_at_start(world: World, rows: pd.DataFrame) -> pd.Series[Any]:
    """The schedule that a ticket has when it is created: a schedule event at that instant applies already."""
    changes = schedule_changes(world)
    found: list[str | None] = []
    for source, ticket, schedule, start in zip(
        *(rows[c] for c in ("source", "ticket_id", "schedule_id", "at")), strict=True
    ):
        steps = changes.get(ticket, []) if source == "ticket" else []
        now = steps[0][1] if steps and steps[0][1] is not None else schedule
        for at, _, new in steps:
            now = new if at <= start else now
        found.append(now)
    return pd.Series(found, index=rows.index, dtype=object)


def presence(world: World, results: Results) -> None:
    """Contacts and page views in and out of service hours."""
    rows = interactions(world)
    rows = rows[rows["inbound"]].assign(schedule_id=None)
    rows = rows[in_open_hours(world, rows)]
    cells = Cells(world, results, rows)
    cells.share("answer_rate", "by_agent", cells["by_agent"] | cells["abandoned"])
    begun = sessions(world)
    begun = begun[begun["support"]].assign(channel="web")
    spans = service_hours(world).any()
    begun["open"] = True if spans is None else spans.contain(micros(begun["at"]))
    asked = contacts(world)
    asked = asked.assign(schedule_id=schedule_at_start(world, asked))
    asked = asked.assign(open=in_open_hours(world, asked))
    both = pd.concat([part[["at", "channel", "open"]] for part in (begun, asked)], ignore_index=True)
    Cells(world, results, both.assign(closed=~both["open"].astype(bool))).share("out_of_hours_demand", "closed", 1)
    chat = service_hours(world).of(None, "chat")
    if chat is None:
        return
    views = page_views(world)
    views = views.assign(open=chat.contain(micros(views["at"])))
    Cells(world, results, views).share("chat_coverage", "open", 1)
    online = together(with_status(stays(world, "chat"), AVAILABLE).values())
    views = views[views["open"]]
    Cells(world, results, views.assign(there=online.contain(micros(views["at"])))).share("chat_presence", "there", 1)


def uptime(world: World, results: Results) -> None:
    """Each check's state holds until the monitor's next one, the last until as_of, at most 24 hours."""
    rows = world["uptime_checks"].sort_values(["monitor_id", "checked_at"], kind="stable").reset_index(drop=True)
    last = pd.DataFrame({"day": rows["checked_at"] + pd.Timedelta(hours=24), "as_of": world.as_of}).min(axis=1)
    until = rows.groupby("monitor_id")["checked_at"].shift(-1)
    ends = until.where(until.notna(), last).astype(MOMENT)
    index, starts, stops = pieces(world, micros(rows["checked_at"]), micros(ends))
    spans = service_hours(world).any()
    seconds = (stops - starts) / 1e6
    inside = seconds if spans is None else (spans.elapsed(stops) - spans.elapsed(starts)) / 1e6
    found = rows.loc[index, ["monitor_id", "site", "is_up"]].reset_index(drop=True)
    found = found.assign(at=as_moments(starts), monitor=found["monitor_id"])
    parts = [found.assign(seconds=s, in_service_hours=f) for s, f in ((inside, True), (seconds - inside, False))]
    both = pd.concat([part[part["seconds"] > 0] for part in parts], ignore_index=True)
    up = both["is_up"].astype(bool)
    cells = Cells(world, results, both.assign(up=both["seconds"].where(up, 0), down=both["seconds"].where(~up, 0) / 60))
    cells.share("uptime", "up", "seconds")
    cells.total("incident_minutes", "down")


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    for family in (staffing, occupancy, presence, uptime):
        family(world, results)
