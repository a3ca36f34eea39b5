"""What customers say: invitations, answers that follow from what happened, reviews, and calls back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outside_in.sample import web
from outside_in.sample import world as w
from outside_in.sample.commerce import Orders, happened_before, late_before
from outside_in.sample.people import STRIDE, People
from outside_in.sample.support import Contacts, Service
from outside_in.sample.web import Sessions
from outside_in.sample.world import World
from outside_in.sample.writer import (
    DAY,
    HOUR,
    MINUTE,
    NULL,
    SECOND,
    Bools,
    Floats,
    Frame,
    Ids,
    Ints,
    Rng,
    Words,
    choose,
    stack,
    take,
)

_TYPES = ("nps", "csat", "ces", "other")
_STAGES = ("purchase", "delivery", "use", "support")


@dataclass(frozen=True)
class Survey:
    """A questionnaire: what it asks (aspects), on which scale, about what, and how long it takes."""

    name: str
    kind: str
    low: int
    high: int
    aspects: tuple[str, ...]
    subject: str
    stage: str
    minutes: float
    says_scale: bool = True
    is_reversed: bool = False


_OF_TICKET = ("overall", "friendliness", "clarity", "resolution")
_OF_CALL = ("overall", "friendliness", "empathy", "attention")
_OF_ORDER = ("overall", "product", "delivery", "website", "price")
_ALONE = ("overall",)
SURVEYS = (
    Survey("sv-relationship", "nps", 0, 10, _ALONE, "relationship", "use", 1.0, says_scale=False),
    Survey("sv-relationship-birch", "nps", 1, 10, _ALONE, "relationship", "use", 1.0),
    Survey("sv-ticket-nps", "nps", 0, 10, _ALONE, "ticket", "support", 0.8, says_scale=False),
    Survey("sv-ticket", "csat", 1, 5, _OF_TICKET, "ticket", "support", 2.0, says_scale=False),
    Survey("sv-call", "csat", 1, 7, _OF_CALL, "interaction", "support", 1.6),
    Survey("sv-delivery", "csat", 1, 5, _OF_ORDER, "order", "delivery", 3.0),
    Survey("sv-effort", "ces", 1, 7, _ALONE, "article", "support", 0.5, says_scale=False),
    Survey("sv-effort-app", "ces", 1, 5, _ALONE, "article", "support", 0.5, is_reversed=True),
    Survey("sv-pulse", "other", 0, 100, _ALONE, "relationship", "use", 0.5),
)
RELATION, RELATION_BIRCH, TICKET_NPS, AFTER_TICKET, AFTER_CALL = range(5)
AFTER_ORDER, EFFORT, EFFORT_APP, PULSE = range(5, 9)


@dataclass(frozen=True)
class _Asked:
    """Invitations of one survey: whom, about what, when, and how satisfied they are (0 is neutral)."""

    survey: int
    customer: Ints
    subject: Ids | Words | None
    at: Ints
    feeling: Floats
    channel: Ints


def tables(
    world: World, people: People, orders: Orders, contacts: Contacts, service: Service, sessions: Sessions
) -> dict[str, list[Frame]]:
    """Invitations, responses, reviews, and the outbound interactions with unhappy customers."""
    rng = world.rng(people.chunk, 13)
    invitations, responses, unhappy = [], [], []
    number = people.chunk * STRIDE
    for asked in _asked(world, rng, people, orders, contacts, service, sessions):
        invited, answered, angry = _answers(world, rng, people, asked, number)
        number += len(asked.at)
        invitations.append(invited)
        responses.append(answered)
        unhappy.append(angry)
    return {
        "survey_invitations": invitations,
        "survey_responses": responses,
        "reviews": [_reviews(world, rng, people, orders)],
        "interactions": [_outbound(world, rng, people, unhappy)],
    }


def _feeling(people: People, customer: Ints) -> Floats:
    return np.where(customer >= 0, people.mood[customer] * 0.8, 0.0)


def _asked(
    world: World,
    rng: Rng,
    people: People,
    orders: Orders,
    contacts: Contacts,
    service: Service,
    sessions: Sessions,
) -> list[_Asked]:
    handled = _feeling(people, contacts.customer) + (
        -2.6 * (contacts.topic == w.DETRACTOR_TOPIC)
        - 1.0 * (service.wait > 120)
        - 0.9 * service.is_transferred
        - 1.2 * service.is_reopened
        - 1.0 * contacts.after_bad_article
        - 1.4 * (contacts.topic == w.DELIVERY)
    )
    solved = np.flatnonzero(service.solved != NULL)
    by_nps = solved[rng.random(len(solved)) < 0.3]
    by_csat = np.setdiff1d(solved, by_nps)[::2]
    calls = np.flatnonzero(service.is_answered & contacts.has_interaction & ~contacts.has_ticket)
    calls = calls[rng.random(len(calls)) < 0.6]
    received = np.flatnonzero((orders.customer >= 0) & (orders.delivered != NULL) & (rng.random(len(orders.at)) < 0.5))
    ordered = _feeling(people, orders.customer[received]) + (
        -2.4 * orders.is_late[received] - 1.6 * (orders.first_product[received] == w.DEFECTIVE_PRODUCT) + 0.2
    )
    read = np.flatnonzero(
        np.isin(sessions.flow, (web.ASK, web.ASK_DIRECT))
        & (people.visitor_customer[sessions.visitor] >= 0)
        & (rng.random(len(sessions.at)) < 0.35)
    )
    misled = (sessions.article[read] == w.BAD_ARTICLE) & (sessions.at[read] >= world.broken_from)
    reader = people.visitor_customer[sessions.visitor[read]]
    effort = _feeling(people, reader) - 2.4 * misled - 0.8 * (sessions.topic[read] == w.GAP_TOPIC)
    in_app = people.visitor_brand[sessions.visitor[read]] == 1
    regular, when = _regularly(world, rng, people)
    loyal = _feeling(people, regular) + (
        -2.0 * late_before(orders, regular, when, 45 * DAY)
        - 2.4 * _had_topic(contacts, w.DETRACTOR_TOPIC, regular, when)
        + 0.3
    )
    birch = people.brand[regular] == 1
    pulse = np.flatnonzero(rng.random(len(regular)) < 0.08)

    def asked(survey: int, customer: Ints, subject: Ids | Words | None, at: Ints, feeling: Floats) -> _Asked:
        return _Asked(survey, customer, subject, at, feeling, rng.integers(0, 3, len(at)))

    after = service.solved + HOUR
    article = Words(np.maximum(sessions.article[read], 0), w.ARTICLE_IDS)
    read_at = sessions.at[read] + 15 * MINUTE
    return [
        asked(RELATION, regular[~birch], None, when[~birch], loyal[~birch]),
        asked(RELATION_BIRCH, regular[birch], None, when[birch], loyal[birch]),
        *(
            asked(survey, contacts.customer[rows], Ids("t", contacts.number[rows]), after[rows], handled[rows])
            for survey, rows in ((TICKET_NPS, by_nps), (AFTER_TICKET, by_csat))
        ),
        asked(
            AFTER_CALL,
            contacts.customer[calls],
            Ids("i", contacts.number[calls]),
            service.ended[calls] + 10 * MINUTE,
            handled[calls],
        ),
        asked(
            AFTER_ORDER,
            orders.customer[received],
            Ids("o", orders.number[received]),
            orders.delivered[received] + 20 * HOUR,
            ordered,
        ),
        *(
            asked(survey, reader[who], Words(article.codes[who], article.words), read_at[who], effort[who])
            for survey, who in ((EFFORT, ~in_app), (EFFORT_APP, in_app))
        ),
        asked(PULSE, regular[pulse], None, when[pulse] + DAY, loyal[pulse]),
    ]


def _regularly(world: World, rng: Rng, people: People) -> tuple[Ints, Ints]:
    """The customers asked once in a while (every 120 days from some day on), and when."""
    rounds = world.days // 120 + 1
    who = np.tile(np.arange(people.count), rounds)
    at = np.maximum(people.created, world.start)[who] + rng.integers(5 * DAY, 60 * DAY, people.count)[who]
    at = at + np.repeat(np.arange(rounds), people.count) * 120 * DAY
    kept = (at < world.stop) & (rng.random(len(at)) < 0.85)
    return who[kept], at[kept] // HOUR * HOUR


def _had_topic(contacts: Contacts, topic: int, customer: Ints, moment: Ints) -> Bools:
    rows = contacts.topic == topic
    return happened_before(contacts.customer[rows], contacts.at[rows], customer, moment, 60 * DAY)


def _answers(
    world: World, rng: Rng, people: People, asked: _Asked, first_number: int
) -> tuple[Frame, Frame, tuple[Ints, Ints]]:
    """One survey's invitations and answers, and the unhappy ones among them: customer and time."""
    survey, n = SURVEYS[asked.survey], len(asked.at)
    sent = asked.at
    live = sent < world.stop
    delivered = np.where(rng.random(n) < 0.97, sent + rng.integers(SECOND, MINUTE, n), NULL)
    opened = np.where(
        (rng.random(n) < 0.6) & (delivered != NULL),
        sent + (rng.exponential(7, n) * HOUR).astype(np.int64) + MINUTE,
        NULL,
    )
    begins = (opened != NULL) & (rng.random(n) < 0.62)
    started = np.where(begins, opened + rng.integers(5 * SECOND, 3 * MINUTE, n), NULL)
    takes = survey.minutes * np.exp(rng.normal(0, 0.35, n))
    speeding = rng.random(n) < 0.03
    takes = np.where(speeding, takes * 0.12, takes)
    responded = started + (takes * MINUTE).astype(np.int64)
    answers = begins & (rng.random(n) < 0.92) & (responded < world.stop) & live
    opened, started = (np.where(x < world.stop, x, NULL) for x in (opened, started))
    kind, stage = _TYPES.index(survey.kind), _STAGES.index(survey.stage)
    subject: Frame = {
        "subject_type": Words(np.zeros(n, np.int64), (survey.subject,)),
        "subject_id": asked.subject if asked.subject is not None else Words(np.full(n, -1), ()),
        "journey_stage": Words(np.full(n, 1 if survey.stage == "use" else 2), ("before", "during", "after")),
        "lifecycle_stage": Words(np.full(n, stage), _STAGES),
    }
    invitations: Frame = {
        "invitation_id": Ids("inv", first_number + np.arange(n)),
        "survey_id": Words(np.zeros(n, np.int64), (survey.name,)),
        "survey_type": Words(np.full(n, kind), _TYPES),
        "customer_id": people.customer_ids(asked.customer),
        "channel": Words(asked.channel, ("email", "app", "messaging")),
        "sent_at": sent,
        "delivered_at": delivered,
        "opened_at": opened,
        "started_at": started,
        **subject,
    }
    rows = np.flatnonzero(answers)
    base = 1.35 + asked.feeling[rows] + rng.normal(0, 0.7, len(rows))
    alike = rng.random(len(rows)) < 0.03
    is_partial = rng.random(len(rows)) < 0.06
    parts, overall = [], np.zeros(len(rows))
    for place, aspect in enumerate(survey.aspects):
        tilt = 0 if place == 0 else np.where(alike, 0, rng.normal(0.1, 0.5, len(rows)))
        share = 1 / (1 + np.exp(-(base + tilt)))
        if survey.is_reversed:
            share = 1 - share
        score = survey.low + np.round(share * (survey.high - survey.low))
        overall = score if place == 0 else overall
        blank = (rng.random(len(rows)) < 0.03) | (is_partial & (place > 0))
        parts.append(
            _response_rows(rng, people, asked, survey, rows, first_number, aspect, np.where(blank, np.nan, score))
        )
        parts[-1] |= {
            "started_at": started[rows],
            "responded_at": responded[rows],
            "is_complete": ~is_partial,
            **take(subject, rows),
        }
    responses = stack(parts)
    share = (overall - survey.low) / (survey.high - survey.low)
    share = 1 - share if survey.is_reversed else share
    angry = rows[(share < (0.61 if survey.kind == "nps" else 0.34)) & (survey.kind != "other")]
    return take(invitations, live), responses, (asked.customer[angry], responded[angry])


def _response_rows(
    rng: Rng,
    people: People,
    asked: _Asked,
    survey: Survey,
    rows: Ints,
    first_number: int,
    aspect: str,
    score: Floats,
) -> Frame:
    n = len(rows)
    customer = asked.customer[rows]
    unnamed = rng.random(n) < 0.04
    linked = rng.random(n) < 0.95  # the others came by a link that names no invitation
    low, high = (float(x) if survey.says_scale else np.nan for x in (survey.low, survey.high))
    return {
        "response_id": Ids("r", first_number + rows),
        "question_id": Words(np.full(n, -1 if len(survey.aspects) == 1 else 0), (f"q-{aspect}",)),
        "invitation_id": Ids("inv", np.where(linked, first_number + rows, -1)),
        "survey_id": Words(np.zeros(n, np.int64), (survey.name,)),
        "survey_type": Words(np.zeros(n, np.int64), (survey.kind,)),
        "customer_id": people.customer_ids(np.where(unnamed, -1, customer)),
        "score": score,
        "scale_min": np.full(n, low),
        "scale_max": np.full(n, high),
        "is_scale_reversed": np.full(n, survey.is_reversed),
        "aspect": Words(np.full(n, -1 if len(survey.aspects) == 1 else 0), (aspect,)),
        "product_id": Words(np.where(rng.random(n) < 0.1, choose(rng, w.PRODUCT_WEIGHTS, n), -1), w.PRODUCTS),
        "device_type": Words(people.visitor_device[customer], w.DEVICES),
        "language": Words(people.locale[customer], w.LANGUAGES),
        "country": Words(people.locale[customer], w.COUNTRIES),
        "comment": Words(
            np.where(rng.random(n) < 0.25, rng.integers(0, 3, n), -1), ("fine", "took too long", "not solved")
        ),
    }


def _reviews(world: World, rng: Rng, people: People, orders: Orders) -> Frame:
    """Reviews of what arrived, and posts without stars."""
    order = np.flatnonzero((orders.delivered != NULL) & (rng.random(len(orders.at)) < 0.08))
    n = len(order)
    posted = orders.delivered[order] + (rng.exponential(6, n) * DAY).astype(np.int64) + HOUR
    product = orders.first_product[order]
    mood = (
        1.4
        + _feeling(people, orders.customer[order])
        - 2.2 * orders.is_late[order]
        - 2 * (product == w.DEFECTIVE_PRODUCT)
    )
    share = 1 / (1 + np.exp(-(mood + rng.normal(0, 0.7, n))))
    platform = choose(rng, [0.5, 0.3, 0.2], n)
    replied = np.where(rng.random(n) < 0.55, posted + rng.integers(2 * HOUR, 5 * DAY, n), NULL)
    starless = platform == 2
    frame: Frame = {
        "platform": Words(platform, ("shop", "stars", "social")),
        "review_id": Ids("rv", people.chunk * STRIDE + np.arange(n)),
        "posted_at": posted,
        "rating": np.where(starless, np.nan, np.where(platform == 1, np.round(share * 10), np.round(1 + share * 4))),
        "scale_min": np.where(platform == 1, 0.0, np.nan),
        "scale_max": np.where(platform == 1, 10.0, np.nan),
        "product_id": Words(product, w.PRODUCTS),
        "customer_id": people.customer_ids(np.where(rng.random(n) < 0.5, orders.customer[order], -1)),
        "topic": Words(np.where(orders.is_late[order], w.DELIVERY, -1), w.TOPICS),
        "sentiment": Words(
            np.where(starless | (rng.random(n) < 0.3), np.digitize(share, [0.4, 0.65]), -1),
            ("negative", "neutral", "positive"),
        ),
        "replied_at": np.where(replied < world.stop, replied, NULL),
        "body": Words(np.digitize(share, [0.4, 0.65]), ("arrived late and broken", "as expected", "very good")),
    }
    return take(frame, posted < world.stop)


def _outbound(world: World, rng: Rng, people: People, unhappy: list[tuple[Ints, Ints]]) -> Frame:
    """Calls back to some of the unhappy, mostly within two days, and a few that were planned anyway."""
    who = np.concatenate([customer for customer, _ in unhappy])
    heard = np.concatenate([at for _, at in unhappy])
    called = rng.random(len(who)) < 0.35
    plain = rng.integers(0, people.count, people.count // 12 + 1)
    customer = np.concatenate([who[called], plain])
    start = np.concatenate(
        [
            heard[called],
            world.some_days(rng, len(plain)) * DAY + rng.integers(7 * HOUR, 16 * HOUR, len(plain)),
        ]
    )
    start = world.when_staffed(rng, start + rng.integers(HOUR, 40 * HOUR, len(start)))
    kept = start < world.stop - HOUR
    customer, start = customer[kept], start[kept]
    n = len(start)
    reached = rng.random(n) < 0.7
    talk = np.floor(np.exp(rng.normal(5.0, 0.5, n)))
    answered = start + 15 * SECOND
    return {
        "interaction_id": Ids("i", people.chunk * STRIDE + STRIDE // 4 * 3 + np.arange(n)),
        "customer_id": people.customer_ids(customer),
        "channel": Words(np.zeros(n, np.int64), w.CHANNELS),
        "direction": Words(np.zeros(n, np.int64), ("outbound",)),
        "started_at": start,
        "answered_at": np.where(reached, answered, NULL),
        "ended_at": np.where(reached, answered + talk.astype(np.int64) * SECOND, start + 30 * SECOND),
        "outcome": Words(np.where(reached, 0, 1), ("answered", "failed")),
        "handled_by": Words(np.where(reached, 0, 1), ("agent", "none")),
        "agent_id": Words(world.agent_at(rng, start), world.agent_ids),
        "talk_seconds": np.where(reached, talk, np.nan),
        "hold_seconds": np.where(reached, 0.0, np.nan),
        "wrap_up_seconds": np.where(reached, 30.0, np.nan),
        "transfer_count": np.where(reached, 0, NULL),
        "language": Words(people.locale[customer], w.LANGUAGES),
        "is_excluded": np.zeros(n, np.bool_),
    }
