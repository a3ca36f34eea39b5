"""Whether the listening itself is sound, and public reviews."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .cases import histories, interactions, not_genuine, response_messages, tickets
from .hours import micros
from .raw import MOMENT, World, remembered, true
from .rollup import Cells, Results
from .surveys import SLACK, responses

STRAIGHT_LINE_ANSWERS = 4


@remembered
def whole_responses(world: World) -> pd.DataFrame:
    """One row per response_id and survey_id, dated by its latest responded_at."""
    rows = responses(world).sort_values("question_id", kind="stable")
    by, scored = rows.groupby("response"), rows[rows["answered"]].groupby("response")
    kinds = ["score", "scale_min", "scale_max"]
    found = by.agg(survey=("survey_id", "first"), channel=("channel", "first"), started=("started_at", "min"))
    found["at"] = by["responded_at"].max()
    found["known"] = by["is_complete"].count() > 0
    found["complete"] = rows.assign(complete=true(rows["is_complete"])).groupby("response")["complete"].any()
    found["minutes"] = (found["at"] - found["started"]).dt.total_seconds() / 60
    found["answers"] = scored.size().reindex(found.index).fillna(0)
    found["one_line"] = (scored[kinds].nunique(dropna=False) == 1).all(axis=1).reindex(found.index).eq(True)
    return found.reset_index()


def invitations(world: World, results: Results) -> None:
    """Response, delay and fatigue of invitations."""
    rows = world["survey_invitations"]
    rows = rows.assign(at=rows["sent_at"], delivered=rows["delivered_at"].notna())
    rows["segment"] = rows["customer_id"].map(world.lookup("customers", "segment"))
    some = rows.groupby(["survey_id", "channel"], dropna=False)["delivered"].transform("any")
    reached = rows[rows["delivered"] | ~some.astype(bool)]
    answers = responses(world)
    answered = answers[answers["answered"]]["invitation_id"].dropna()
    cells = Cells(world, results, reached.assign(answered=reached["invitation_id"].isin(answered)))
    cells.share("survey_response_rate", "answered", 1)
    rows["ended"] = subject_end(world, rows)
    delay = (rows["sent_at"] - rows["ended"]).dt.total_seconds() / 3600
    cells = Cells(world, results, rows.assign(delay=delay.where(delay >= 0)))
    cells.percentile("survey_delay_hours", "delay")
    limit, days = (world.vars["survey_fatigue"][key] for key in ("invitations", "days"))
    known = rows[rows["customer_id"].notna()].reset_index(drop=True)
    tired = np.zeros(len(known), dtype=bool)
    for _, times in known.groupby("customer_id")["at"]:
        sent = np.sort(micros(times))
        mine = micros(times)
        until = np.searchsorted(sent, mine, side="right")
        since = np.searchsorted(sent, mine - days * 86_400_000_000, side="left")
        tired[times.index] = until - since > limit
    cells = Cells(world, results, known.assign(tired=tired))
    cells.distinct("survey_fatigue_rate", "customer_id", where="tired", per="customer_id")


def subject_end(world: World, rows: pd.DataFrame) -> pd.Series[Any]:
    """When what the invitation asks about was over."""
    solved, past = tickets(world), histories(world)
    # A survey may follow a solution that the customer reopened later.
    reopened = {
        ticket: past[ticket].solved_spans[-1][0]
        for ticket in solved["ticket_id"][solved["solved_time"].isna()]
        if ticket in past and past[ticket].solved_spans
    }
    solved = solved[solved["solved_time"].notna()]
    calls = interactions(world)
    sent = world["shipments"][world["shipments"]["delivered_at"].notna()]
    ends = {
        "ticket": reopened | dict(zip(solved["ticket_id"], solved["solved_time"], strict=True)),
        "interaction": dict(zip(calls["interaction_id"], calls["ended_at"], strict=True)),
        "order": sent.groupby("order_id")["delivered_at"].max().to_dict(),
        "shipment": world.lookup("shipments", "delivered_at"),
    }
    found = [ends.get(k, {}).get(i) for k, i in zip(rows["subject_type"], rows["subject_id"], strict=True)]
    return pd.to_datetime(pd.Series(found, index=rows.index, dtype=object)).astype(MOMENT)


def completeness(world: World, results: Results) -> None:
    """Complete, careless and quick responses."""
    whole = whole_responses(world)
    cells = Cells(world, results, whole)
    cells.percentile("survey_minutes", cells["minutes"].where(cells["complete"].astype(bool)))
    middle = whole.groupby("survey", dropna=False)["minutes"].transform("median")
    careless = (whole["minutes"] < middle / 3) | ((whole["answers"] >= STRAIGHT_LINE_ANSWERS) & whole["one_line"])
    Cells(world, results, whole.assign(careless=careless)).share("careless_response_rate", "careless", 1)
    asked = world["survey_invitations"]
    silent = asked["started_at"].notna() & ~asked["invitation_id"].isin(responses(world)["invitation_id"].dropna())
    begun = asked.assign(at=asked["started_at"], known=True, complete=False)[silent]
    types = responses(world)[["response", "survey_type"]].drop_duplicates()
    for rows, by in ((whole, ("overall", "channel")), (whole.merge(types), ("survey_type",))):
        columns = ["at", "known", "complete", *(c for c in ("channel", "survey_type") if c in by)]
        both = pd.concat([part[columns] for part in (rows, begun) if len(part)] or [rows[columns]], ignore_index=True)
        both[["known", "complete"]] = both[["known", "complete"]].astype(bool)
        Cells(world, results, both).share("survey_completion_rate", "complete", "known", by=by)


def detractors(world: World, results: Results) -> None:
    """Whether unhappy customers hear from us, and come back."""
    rows = responses(world)
    rows = rows[rows["customer_id"].notna()]
    within = pd.Timedelta(hours=world.vars["detractor_follow_up_hours"])
    calls = interactions(world)
    calls = calls[calls["outbound"] & ~calls["leg"]][["customer_id", "at"]]
    sent = response_messages(world)
    sent = sent[(sent["author_type"] == "agent") & ~sent["ticket_id"].isin(not_genuine(world))]
    sent = pd.DataFrame(
        {"customer_id": sent["ticket_id"].map(world.lookup("tickets", "customer_id")), "at": sent["sent_at"]}
    )
    reached = pd.concat([calls, sent], ignore_index=True).dropna().sort_values("at")
    unhappy = rows[rows["unhappy"] & (rows["at"] + within <= world.as_of)].sort_values("at", kind="stable")
    reached = reached.rename(columns={"at": "reached"}).astype({"customer_id": str, "reached": MOMENT})
    following = pd.merge_asof(
        unhappy[["at", "customer_id"]].astype({"customer_id": str}),
        reached,
        left_on="at",
        right_on="reached",
        by="customer_id",
        direction="forward",
        allow_exact_matches=False,
    )
    told = (following["reached"] - following["at"] <= within).to_numpy()
    Cells(world, results, unhappy.assign(told=told)).share("detractor_follow_up_rate", "told", 1)
    scores = rows[rows["nps_answer"]].sort_values(["customer_id", "at", "response_id", "question_id"], kind="stable")
    firsts = scores.drop_duplicates(["customer_id", "at"])
    next_ = firsts[["customer_id", "at"]].assign(next_at=firsts.groupby("customer_id")["at"].shift(-1))
    next_["next_detractor"] = firsts.groupby("customer_id")["detractor"].shift(-1)
    scores = scores.merge(next_, on=["customer_id", "at"], how="left")
    again = scores["next_at"] - scores["at"] <= pd.Timedelta(days=365)
    lost = scores[scores["detractor"] & again]
    cells = Cells(world, results, lost.assign(won=lost["next_detractor"].eq(False)))
    cells.share("detractor_recovery_rate", "won", 1)


def reviews(world: World, results: Results) -> None:
    """Ratings, sentiment and replies."""
    rows = world["reviews"]
    place = (rows["rating"] - rows["scale_min"]) / (rows["scale_max"] - rows["scale_min"])
    rows = rows.assign(
        at=rows["posted_at"], product=rows["product_id"], place=place, replied=rows["replied_at"].notna()
    )
    cells = Cells(world, results, rows)
    rated = cells["place"].notna()
    cells.mean("review_rating", 1 + 4 * cells["place"])
    cells.share("review_reply_rate", "replied", 1)
    cells.share("review_satisfied_share", cells["place"] >= 0.75 - SLACK, rated)
    felt = cells["sentiment"].isin(["positive", "neutral", "negative"])
    negative = (cells["place"] <= 0.25 + SLACK) | (~rated & (cells["sentiment"] == "negative"))
    cells.share("review_negative_share", negative, rated | felt)


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    for family in (invitations, completeness, detractors, reviews):
        family(world, results)
