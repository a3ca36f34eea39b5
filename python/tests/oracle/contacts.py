"""Contacts: demand, repeat contacts, automation, cost and quality."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .cases import (
    cases,
    every_ticket,
    interactions,
    is_outcome_recorded,
    not_genuine,
    reassigned,
    response_messages,
    test_calls,
    tickets,
)
from .hours import Moments, micros
from .money import in_reporting_currency
from .orders import by_product, orders
from .raw import World, else_, false, kept, remembered, true
from .rollup import Cells, Results

DAY = pd.Timedelta(days=1)


@remembered
def contacts(world: World) -> pd.DataFrame:
    """Inbound interactions, no legs, and tickets without such an interaction."""
    rows = interactions(world)
    inbound = rows[rows["inbound"]]
    calls = inbound[~inbound["leg"]].assign(source="interaction", schedule_id=None)
    calls["contact_id"] = calls["interaction_id"]
    alone = tickets(world)
    alone = alone[~alone["ticket_id"].isin(calls["ticket_id"].dropna())].assign(source="ticket", queue=None)
    alone["contact_id"] = alone["ticket_id"]
    columns = [
        *(
            "contact_id",
            "source",
            "at",
            "customer_id",
            "channel",
            "topic",
            "ticket_id",
            "order_id",
            "segment",
        ),
        *("schedule_id", "country", "language", "queue"),
    ]
    parts = [part[columns] for part in (calls, alone) if len(part)]
    found = pd.concat(parts, ignore_index=True) if parts else calls[columns].reset_index(drop=True)
    return found.assign(start=found["at"], end=found["at"])


def next_after(rows: pd.DataFrame, by: list[str]) -> pd.Series[Any]:
    """For each row the start of the group's next row that starts later (nulls are a group of their own)."""
    starts = rows[[*by, "at"]].drop_duplicates().sort_values("at", kind="stable")
    starts["next"] = starts.groupby(by, dropna=False)["at"].shift(-1)
    return rows.merge(starts, on=[*by, "at"], how="left")["next"].set_axis(rows.index)


def window(world: World) -> pd.Timedelta:
    """The repeat-contact window."""
    return pd.Timedelta(days=world.vars["repeat_contact_window_days"])


def repeats(world: World, results: Results) -> None:
    """Contacts of known customers followed by another."""
    rows = contacts(world)
    rows = rows[rows["customer_id"].notna() & (rows["at"] + window(world) <= world.as_of)]
    known = contacts(world)
    known = known[known["customer_id"].notna()]
    following = next_after(known, ["customer_id"]).loc[rows.index]
    rows = rows.assign(again=following <= rows["at"] + window(world))
    Cells(world, results, rows).share("repeat_contact_rate", "again", 1)


def first_contact_resolution(world: World, results: Results) -> None:
    """Solved cases, never reopened, whose customer does not come back on the topic within the window."""
    rows = cases(world)
    solved = true(rows["solved"])
    rows = rows[solved & rows["customer_id"].notna() & (rows["at"] + window(world) <= world.as_of)]
    rows = rows.reset_index(drop=True)
    calls = interactions(world)
    calls = calls[calls["inbound"] & ~calls["leg"] & calls["ticket_id"].notna()]
    calls = calls.sort_values(["at", "interaction_id"], kind="stable").drop_duplicates("ticket_id")
    asked = tickets(world)[["ticket_id", "created_at", "channel"]].rename(columns={"channel": "asked_by"})
    born = calls.merge(asked, on="ticket_id")
    same_channel = born["channel"].notna() & (born["channel"] == born["asked_by"])
    born = born[(born["at"] <= born["created_at"]) | same_channel.astype(bool)]
    origin = dict(zip(born["ticket_id"], born["interaction_id"], strict=True))
    others: dict[tuple[str, str | None], list[tuple[int, str, str]]] = {}
    every = contacts(world)
    every = every[every["customer_id"].notna()]
    topics = kept(every["topic"], every["topic"].notna())
    for who, topic, at, source, contact in zip(
        every["customer_id"], topics, micros(every["at"]), every["source"], every["contact_id"], strict=True
    ):
        others.setdefault((who, topic), []).append((int(at), source, contact))
    again = []
    topics = kept(rows["topic"], rows["topic"].notna())
    limit = int(window(world) / pd.Timedelta(microseconds=1))
    for who, topic, at, source, case in zip(
        rows["customer_id"], topics, micros(rows["at"]), rows["source"], rows["case_id"], strict=True
    ):
        own = (source, case) if source == "interaction" or case not in origin else ("interaction", origin[case])
        again.append(any(at < t <= at + limit and (s, c) != own for t, s, c in others.get((who, topic), [])))
    first = ~np.array(again, dtype=bool) & ~rows["reopened"].astype(bool)
    Cells(world, results, rows.assign(first=first)).share("first_contact_resolution", "first", 1)


@remembered
def agent_responses(world: World) -> pd.Series[int]:
    """The number of response messages by an agent, by ticket."""
    rows = response_messages(world)
    return rows[rows["author_type"] == "agent"].groupby("ticket_id").size()


def published_topics(world: World) -> dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]]:
    """When each topic had a published article: (published, archived) of each article."""
    rows = world["knowledge_articles"]
    rows = rows[rows["topic"].notna() & rows["published_at"].notna()]
    found: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    for topic, since, until in zip(rows["topic"], rows["published_at"], rows["archived_at"], strict=True):
        found.setdefault(topic, []).append((since, pd.Timestamp.max if pd.isna(until) else until))
    return found


def covered(world: World, rows: pd.DataFrame) -> pd.Series[bool]:
    """Whether an article of the row's topic was published and not archived at `at`."""
    spans = published_topics(world)
    found = [
        any(since <= at < until for since, until in spans.get(topic, []))
        for topic, at in zip(rows["topic"], rows["at"], strict=True)
    ]
    return pd.Series(found, index=rows.index, dtype=bool)


def touches_of_tickets(world: World, results: Results) -> None:
    """One touch, self-serviceable and uncovered cases."""
    rows = tickets(world)
    rows = rows.assign(one=rows["ticket_id"].map(agent_responses(world)).fillna(0) == 1, covered=covered(world, rows))
    calls = interactions(world)
    moved = calls[calls["transfer_count"] > 0]["ticket_id"].dropna()
    stayed = ~rows["ticket_id"].isin(moved) & ~reassigned(world, rows)
    solved = true(rows["solved"])
    rows = rows.assign(alone=rows["one"] & stayed & rows["covered"])[solved]
    cells = Cells(world, results, rows)
    cells.share("one_touch_resolution", "one", 1)
    cells.share("self_serviceable_share", "alone", 1)
    every = cases(world)
    every = every[every["topic"].notna()]
    Cells(world, results, every.assign(gap=~covered(world, every))).share("content_gap_share", "gap", 1)


def _first(leg: str, above: dict[str, Any]) -> str:
    """What an interaction was handed on from, all the way up; itself where that goes round in a circle."""
    seen, now = {leg}, leg
    while pd.notna(parent := above.get(now)):
        if parent in seen:
            return leg
        seen.add(parent)
        now = parent
    return now


def automation(world: World, results: Results) -> None:
    """Interactions a machine finished: no agent answered that customer, or a leg of it, in 24 h after."""
    rows = interactions(world)
    inbound = rows[rows["inbound"]]
    helped = inbound[inbound["by_agent"] & inbound["customer_id"].notna() & ~inbound["leg"]]
    starts = {str(who): np.sort(micros(times)) for who, times in helped.groupby("customer_id")["at"]}
    legs = rows[rows["by_agent"] & rows["leg"]]
    above = dict(zip(rows["interaction_id"], rows["parent_interaction_id"].where(rows["leg"]), strict=True))
    firsts = legs["interaction_id"].map({leg: _first(leg, above) for leg in legs["interaction_id"]})
    leg_starts = {str(first): np.sort(micros(times)) for first, times in legs.groupby(firsts)["at"]}
    rows = inbound[~inbound["leg"] & (inbound["at"] + DAY <= world.as_of)]
    machine = (rows["outcome"] == "completed_in_ivr") | (rows["answered"] & rows["handler"].isin(["bot", "ivr"]))
    helped_after = [
        _any_between(starts.get(who), at + 1, at + day) or _any_between(leg_starts.get(me), at, at + day)
        for who, me, at, day in zip(
            rows["customer_id"],
            rows["interaction_id"],
            micros(rows["at"]),
            [86_400_000_000] * len(rows),
            strict=True,
        )
    ]
    alone = machine & ~np.array(helped_after, dtype=bool)
    if is_outcome_recorded(inbound):
        Cells(world, results, rows.assign(alone=alone)).share("automation_share", "alone", 1)


def _any_between(times: Moments | None, first: int, last: int) -> bool:
    if times is None:
        return False
    i = int(np.searchsorted(times, first, side="left"))
    return i < len(times) and int(times[i]) <= last


def volume(world: World, results: Results) -> None:
    """How much is asked of us, and how."""
    rows = interactions(world)
    whole = rows[~rows["leg"]]
    Cells(world, results, whole[whole["inbound"]]).count("contact_volume")
    both = Cells(world, results, whole[whole["inbound"] | whole["outbound"]])
    both.share("proactive_contact_share", "outbound", 1)
    inbound = Cells(world, results, rows[rows["inbound"]])
    offered = inbound["by_agent"] | inbound["abandoned"]
    inbound.share("disconnected_rate", inbound["outcome"] == "disconnected", offered)
    cells = Cells(world, results, tickets(world))
    known = cells["case_type"].notna() & (cells["case_type"] != "unknown")
    cells.share("complaint_rate", cells["case_type"] == "complaint", known)
    asked = cases(world)[["at", "product", "country"]].assign(cases=1, orders=0)
    sold = orders(world)[["at", "order_id", "country"]].assign(cases=0, orders=1)
    both = Cells(world, results, pd.concat([asked, sold], ignore_index=True))
    both.share("contact_rate", "cases", "orders", factor=100, by=("overall", "country"))
    both = Cells(world, results, pd.concat([asked, by_product(world, sold, [])], ignore_index=True))
    both.share("contact_rate", "cases", "orders", factor=100, by=("product",))


def cost(world: World, results: Results) -> None:
    """What contacts cost the customer and the company."""
    rows = interactions(world)
    rows = rows[rows["inbound"] & rows["answered"] & rows["talk_seconds"].notna()].reset_index(drop=True)
    spent = rows["ivr_seconds"].fillna(0) + rows["wait"] + rows["talk_seconds"] + rows["hold"]
    Cells(world, results, rows.assign(spent=spent)).mean("customer_time_seconds", "spent")
    hourly = rows["agent_id"].map(world.lookup("agents", "hourly_cost")).astype(float)
    currency = rows["agent_id"].map(world.lookup("agents", "currency"))
    hourly = in_reporting_currency(world, hourly, currency, rows["at"])
    rows["cost"] = (rows["handle"] / 3600 * hourly).where(rows["by_agent"])
    Cells(world, results, rows).mean("cost_per_contact", "cost")


def quality(world: World, results: Results) -> None:
    """Contacts and cases judged by the company itself."""
    rows = world["quality_reviews"]
    calls, cases_ = interactions(world), every_ticket(world)
    every = world["interactions"].set_index("interaction_id")
    ticket = cases_.set_index("ticket_id")
    own_team = rows["agent_id"].map(world.lookup("agents", "team"))
    of_call, of_ticket = rows["interaction_id"], rows["ticket_id"]
    agent = else_(else_(rows["agent_id"], of_call.map(every["agent_id"])), of_ticket.map(ticket["agent"]))
    team = else_(of_ticket.map(ticket["team"]), agent.map(world.lookup("agents", "team")))
    team = else_(own_team, team.where(of_call.isna(), agent.map(world.lookup("agents", "team"))))
    low, high = rows["scale_min"].fillna(0), rows["scale_max"].fillna(100)
    rows = rows.assign(
        at=rows["scored_at"],
        agent=agent,
        team=team,
        channel=else_(of_call.map(every["channel"]), of_ticket.map(ticket["channel"])),
        criterion=rows["criterion"],
        place=((rows["score"] - low) / (high - low)).where(high > low),
    )
    for_nobody = of_call.isin(test_calls(world)) | of_ticket.isin(not_genuine(world))
    Cells(world, results, rows[~for_nobody]).mean("quality_score", "place")
    solved = tickets(world)
    solved = solved[true(solved["solved"])]
    solved = solved.assign(reviewed=solved["ticket_id"].isin(of_ticket))
    loose = calls["inbound"] & ~calls["leg"]
    case_ids = set(cases(world).query("source == 'interaction'")["case_id"])
    done = calls["interaction_id"].isin(case_ids) & calls["outcome"].isin(["answered", "completed_in_ivr"])
    calls = calls[loose & (calls["by_agent"] | done)]
    calls = calls.assign(reviewed=calls["interaction_id"].isin(of_call))
    columns = ["at", "team", "channel", "reviewed"]
    both = pd.concat([calls[columns], solved[columns]], ignore_index=True)
    Cells(world, results, both).share("quality_review_coverage", "reviewed", 1)


def replies(world: World, results: Results) -> None:
    """How long a customer's message waits for the next public answer."""
    rows = world["ticket_messages"]
    public = ~false(rows["is_public"]) & ~true(rows["is_spam"])
    answers = set(response_messages(world)["message_id"])
    rows = rows[public].sort_values(["ticket_id", "sent_at", "message_id"], kind="stable")
    about = tickets(world).set_index("ticket_id")
    waits: list[tuple[str, pd.Timestamp, str | None, float]] = []
    opened: tuple[str, pd.Timestamp, str | None] | None = None
    columns = (rows[c] for c in ("ticket_id", "sent_at", "message_id", "author_type", "channel"))
    for ticket, at, message, author, channel in zip(*columns, strict=True):
        if opened is not None and opened[0] != ticket:
            opened = None
        if message in answers:
            if opened is not None:
                waits.append((*opened, (at - opened[1]).total_seconds() / 60))
            opened = None
        elif author == "customer" and opened is None:
            opened = (ticket, at, channel)
    found = pd.DataFrame(waits, columns=["ticket_id", "at", "own_channel", "minutes"])
    found = found[~found["ticket_id"].isin(world.landed_tickets - set(about.index))].reset_index(drop=True)
    found["at"] = found["at"].astype("datetime64[us]")
    for column in ("channel", "topic", "team", "agent", "priority", "language"):
        found[column] = found["ticket_id"].map(about[column])
    found["channel"] = else_(found["own_channel"], found["channel"])
    Cells(world, results, found).percentile("reply_minutes", "minutes")


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    for family in (
        repeats, first_contact_resolution, touches_of_tickets, automation, volume, cost, quality, replies,
    ):  # fmt: skip
        family(world, results)
