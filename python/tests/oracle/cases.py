"""Interactions, tickets and cases: what is one, who answered it and when it was solved."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .raw import MOMENT, World, code, else_, false, remembered, true

STATUSES = ("new", "open", "pending", "on_hold", "solved", "closed")
SOLVED = ("solved", "closed")
PRIORITIES = ("low", "normal", "high", "urgent")


def with_customer(world: World, rows: pd.DataFrame) -> pd.DataFrame:
    """Add segment, and the customer's country and language where the row has none of its own."""
    rows = rows.copy()
    rows["segment"] = rows["customer_id"].map(world.lookup("customers", "segment"))
    for column in ("country", "language"):
        theirs = rows["customer_id"].map(world.lookup("customers", column))
        rows[column] = else_(rows[column], theirs) if column in rows else theirs
    return rows


@remembered
def bots(world: World) -> set[str]:
    """Agents that are bots."""
    agents = world["agents"]
    return set(agents["agent_id"][true(agents["is_bot"])])


@remembered
def interactions(world: World) -> pd.DataFrame:
    """Every interaction that is not excluded, with its dimensions and its queue and handle parts."""
    rows = world["interactions"]
    ids = set(rows["interaction_id"])
    rows = with_customer(world, rows[~true(rows["is_excluded"])].reset_index(drop=True))
    rows["at"] = rows["started_at"]
    rows["queue"], rows["agent"], rows["product"] = rows["queue_name"], rows["agent_id"], rows["product_id"]
    rows["team"] = rows["agent_id"].map(world.lookup("agents", "team"))
    rows["brand"] = rows["product_id"].map(world.lookup("products", "brand"))
    rows["inbound"] = rows["direction"].isna() | (rows["direction"] == "inbound")
    rows["outbound"] = rows["direction"] == "outbound"
    own = rows["parent_interaction_id"] == rows["interaction_id"]
    rows["leg"] = rows["parent_interaction_id"].isin(ids) & ~own
    rows["answered"] = rows["outcome"] == "answered"
    handler = rows["handled_by"].where(rows["handled_by"].notna(), "agent")
    handler = handler.mask(rows["handled_by"].isna() & rows["agent_id"].isin(bots(world)), "bot")
    rows["handler"] = handler
    rows["by_agent"] = rows["answered"] & (handler == "agent")
    rows["abandoned"] = rows["outcome"] == "abandoned_in_queue"
    left_queue = rows["answered_at"].where(~rows["abandoned"], rows["ended_at"])
    queued = (left_queue - rows["enqueued_at"]).dt.total_seconds()
    rows["measured_wait"] = else_(rows["queue_seconds"], queued.where(queued >= 0))
    rows["wait"] = rows["measured_wait"].where(rows["measured_wait"].notna() | ~rows["answered"], 0)
    rows["hold"] = rows["hold_seconds"].fillna(0)
    rows["handle"] = rows["talk_seconds"] + rows["hold"] + rows["wrap_up_seconds"].fillna(0)
    return rows


def is_outcome_recorded(rows: pd.DataFrame) -> bool:
    """Whether any of the inbound `interactions` has an outcome that is known."""
    outcomes = rows.loc[rows["inbound"], "outcome"]
    return bool((outcomes.notna() & (outcomes != "unknown")).any())


@remembered
def test_calls(world: World) -> set[str]:
    """Interactions that are excluded."""
    rows = world["interactions"]
    return set(rows["interaction_id"][true(rows["is_excluded"])])


@remembered
def not_genuine(world: World) -> set[str]:
    """Tickets that are spam or excluded; one merged into another is genuine."""
    rows = world["tickets"]
    return set(rows["ticket_id"][true(rows["is_spam"]) | true(rows["is_excluded"])])


class History(NamedTuple):
    """What the status events of one ticket say."""

    solved: bool
    solved_at: pd.Timestamp | None
    ever_solved: bool
    reopened: bool
    solved_spans: list[tuple[pd.Timestamp, pd.Timestamp | None]]


def read_history(events: list[tuple[pd.Timestamp, str | None]]) -> History:
    """Solved is in {solved, closed}; a change into it from outside solves, a change out of it reopens."""
    spans: list[tuple[pd.Timestamp, pd.Timestamp | None]] = []
    solved, reopened = False, False
    for at, status in events:
        if status not in STATUSES:
            continue
        if status in SOLVED and not solved:
            spans.append((at, None))
        elif status not in SOLVED and solved:
            spans[-1] = (spans[-1][0], at)
            reopened = True
        solved = status in SOLVED
    return History(solved, spans[-1][0] if solved else None, bool(spans), reopened, spans)


@remembered
def field_events(world: World) -> pd.DataFrame:
    """Ticket events in order, with tidy field names."""
    events = world["ticket_events"].copy()
    events["field"] = events["field_name"].str.strip().str.lower()
    return events.sort_values(["event_at", "event_id"], kind="stable")


def _current(world: World, rows: pd.DataFrame, field: str, column: str) -> pd.Series[Any]:
    """The last value in the history, for tickets that have one, else the ticket's own."""
    events = field_events(world)
    events = events[events["field"] == field]
    values = events["new_value"]
    if field == "priority":
        values = values.map(lambda v: None if v is None else code(v, PRIORITIES))
    last = dict(zip(events["ticket_id"], values, strict=True))
    own = zip(rows["ticket_id"], rows[column], strict=True)
    return pd.Series([last.get(t, v) for t, v in own], index=rows.index, dtype=object)


@remembered
def histories(world: World) -> dict[str, History]:
    """The status history of each ticket that has status events."""
    events = field_events(world)
    events = events[events["field"] == "status"]
    found: dict[str, list[tuple[pd.Timestamp, str | None]]] = {}
    for ticket, at, value in zip(events["ticket_id"], events["event_at"], events["new_value"], strict=True):
        found.setdefault(ticket, []).append((at, None if value is None else value.strip().lower()))
    return {ticket: read_history(changes) for ticket, changes in found.items()}


@remembered
def every_ticket(world: World) -> pd.DataFrame:
    """Every accepted ticket with its dimensions; spam, excluded and merged-away ones do not `counts`."""
    rows = world["tickets"].copy()
    away = rows["merged_into_ticket_id"].notna() & (rows["merged_into_ticket_id"] != rows["ticket_id"])
    rows["counts"] = ~true(rows["is_spam"]) & ~true(rows["is_excluded"]) & ~away
    for field, column in (
        ("assignee", "assignee_id"),
        ("team", "team"),
        ("priority", "priority"),
        ("topic", "topic"),
    ):
        rows[column] = _current(world, rows, field, column)
    rows = with_customer(world, rows)
    rows["at"], rows["agent"], rows["product"] = rows["created_at"], rows["assignee_id"], rows["product_id"]
    rows["team"] = else_(rows["team"], rows["assignee_id"].map(world.lookup("agents", "team")))
    rows["brand"] = else_(rows["brand"], rows["product_id"].map(world.lookup("products", "brand")))
    return rows


@remembered
def tickets(world: World) -> pd.DataFrame:
    """Tickets that count; `solved` is None where it is not known, `response_at` is the first response.

    `unknown_response` is true where somebody answered and no answer's time is known.
    """
    rows = every_ticket(world)
    rows = rows[rows["counts"]].reset_index(drop=True)
    past = histories(world)
    solved, times, ever, again = [], [], [], []
    for ticket, status, solved_at, closed_at in zip(
        rows["ticket_id"], rows["status"], rows["solved_at"], rows["closed_at"], strict=True
    ):
        history = past.get(ticket)
        if history is None:
            at = solved_at if pd.notna(solved_at) else closed_at if pd.notna(closed_at) else None
            known = status in STATUSES
            is_solved = status in SOLVED if known else True if at is not None else None
            history = History(bool(is_solved), at if is_solved else None, bool(is_solved), False, [])
        else:
            is_solved = history.solved
        solved.append(is_solved)
        times.append(history.solved_at)
        ever.append(history.ever_solved)
        again.append(history.reopened)
    rows["solved"] = pd.Series(solved, index=rows.index, dtype=object)
    rows["solved_time"] = pd.Series(np.array(times, dtype=MOMENT), index=rows.index)
    rows["ever_solved"], rows["reopened"] = np.array(ever, dtype=bool), np.array(again, dtype=bool)
    first = responses(world).groupby("ticket_id")["responded_at"].min()
    response = rows["ticket_id"].map(first).astype(MOMENT)
    rows["response_at"] = response.mask(response < rows["created_at"], rows["created_at"])
    answered = rows["ticket_id"].isin(responses(world)["ticket_id"])
    rows["unknown_response"] = answered & response.isna()
    return rows


def reassigned(world: World, rows: pd.DataFrame) -> pd.Series[bool]:
    """Tickets that had more than one distinct team, or more than one distinct assignee."""
    seen: dict[tuple[str, str], set[str]] = {}
    events = field_events(world)
    events = events[events["field"].isin(["team", "assignee"])]
    columns = (events[c] for c in ("ticket_id", "field", "old_value", "new_value"))
    for ticket, field, old, new in zip(*columns, strict=True):
        seen.setdefault((ticket, field), set()).update(v for v in (old, new) if v is not None)
    moved = {ticket for (ticket, _), values in seen.items() if len(values) > 1}
    return rows["ticket_id"].isin(moved)


@remembered
def response_messages(world: World) -> pd.DataFrame:
    """Public, non-automatic, non-spam messages by an agent (no bot) or another user, of no deleted ticket."""
    rows = world["ticket_messages"]
    rows = rows[~rows["ticket_id"].isin(world.landed_tickets - set(world["tickets"]["ticket_id"]))]
    requester = rows["ticket_id"].map(world.lookup("tickets", "requester_id"))
    by_people = rows["author_type"].isin(["agent", "community"]) & ~rows["author_id"].isin(bots(world))
    own = rows["author_id"].notna() & (rows["author_id"] == requester)
    public = ~false(rows["is_public"])
    counted = by_people & ~own & public & ~true(rows["is_auto_reply"]) & ~true(rows["is_spam"])
    return rows[counted.astype(bool)]


@remembered
def responses(world: World) -> pd.DataFrame:
    """ticket_id and responded_at (null where unknown) of response messages and of interactions answered by an agent."""
    messages = response_messages(world)[["ticket_id", "sent_at"]].rename(columns={"sent_at": "responded_at"})
    calls = interactions(world)
    outside = calls["inbound"] | calls["outbound"]
    calls = calls[outside & calls["by_agent"] & calls["ticket_id"].notna()]
    answers = calls[["ticket_id", "answered_at"]].rename(columns={"answered_at": "responded_at"})
    return pd.concat([messages, answers], ignore_index=True)


@remembered
def interaction_cases(world: World) -> pd.DataFrame:
    """Inbound interactions, no legs, that belong to no ticket."""
    rows = interactions(world)
    known = set(world["tickets"]["ticket_id"])
    rows = rows[rows["inbound"] & ~rows["leg"] & ~rows["ticket_id"].isin(known)].reset_index(drop=True)
    rows["created_at"] = rows["started_at"]
    solved = rows["outcome"].isin(["answered", "completed_in_ivr"])
    rows["solved"] = solved.astype(object)
    rows["solved_time"] = rows["ended_at"].where(solved)
    rows["ever_solved"], rows["reopened"] = solved, False
    rows["response_at"] = rows["answered_at"].where(rows["by_agent"])
    for column in ("subtopic", "priority", "case_type", "schedule_id"):
        rows[column] = pd.Series(None, index=rows.index, dtype=object)
    return rows


@remembered
def cases(world: World) -> pd.DataFrame:
    """Tickets, then interactions that belong to none; `source` says which."""
    columns = [
        *(
            "case_id",
            "source",
            "at",
            "created_at",
            "customer_id",
            "channel",
            "topic",
            "subtopic",
            "team",
            "agent",
        ),
        *(
            "priority",
            "product",
            "country",
            "language",
            "brand",
            "segment",
            "case_type",
            "order_id",
            "solved",
        ),
        *("solved_time", "ever_solved", "reopened", "response_at", "unknown_response", "schedule_id"),
    ]
    first = tickets(world).assign(source="ticket")
    first["case_id"] = first["ticket_id"]
    then = interaction_cases(world).assign(source="interaction")
    then["case_id"] = then["interaction_id"]
    then["unknown_response"] = then["by_agent"] & then["answered_at"].isna()
    parts = [part[columns] for part in (first, then) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else first[columns]
