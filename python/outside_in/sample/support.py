"""Why customers ask for help, and what comes of it: issues, contacts, interactions, tickets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outside_in.sample import web
from outside_in.sample import world as w
from outside_in.sample.commerce import Orders, Returns
from outside_in.sample.people import STRIDE, People
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
    take,
    texts,
)

INTERACTION, TICKET = "i", "t"
OUTCOMES = (
    "answered",
    "abandoned_in_queue",
    "abandoned_in_ivr",
    "completed_in_ivr",
    "disconnected",
    "voicemail",
    "failed",
)
_ANSWERED, _LEFT_QUEUE, _LEFT_IVR, _IVR_DONE, _CUT, _VOICEMAIL, _FAILED = range(7)
_HANDLERS = ("agent", "bot", "ivr", "none")
_QUEUES = ("service", "billing", "technical", "second_line", "bots")
_STATUSES = ("new", "open", "pending", "solved", "closed")
_NEW, _OPEN, _PENDING, _SOLVED, _CLOSED = range(5)
_PRIORITIES = ("low", "normal", "high", "urgent")
SCHEDULES = ("sched-eu", "sched-us")
_PHRASES = (
    "nothing happens",
    "please help",
    "this is the second time",
    "thank you in advance",
    "it still fails",
)
_BODIES = tuple(f"{topic}: {phrase}" for topic in w.TOPICS for phrase in _PHRASES)
# per contact channel: share with an interaction row, share with a ticket
_HAS_INTERACTION = np.array([1.0, 1.0, 0.3, 1.0, 0.5, 0.0, 0.0, 0.5])
_HAS_TICKET = np.array([0.35, 0.4, 1.0, 0.5, 0.6, 1.0, 1.0, 0.8])
CALL_AFTER_BAD_ARTICLE = 0.8
CALL_AFTER_OUTAGE = 0.4


@dataclass(frozen=True)
class Contacts:
    """A chunk's contacts by time, one row each, with what came of them.

    `customer`, `order` and `product` are positions (-1: none); `number` is behind the interaction's and the
    ticket's id.
    """

    number: Ints
    customer: Ints
    at: Ints
    channel: Ints
    topic: Ints
    order: Ints
    product: Ints
    after_bad_article: Bools
    is_named: Bools  # the row tells the customer
    has_address: Bools  # the row tells the address
    has_interaction: Bools
    has_ticket: Bools

    @property
    def count(self) -> int:
        """Number of contacts."""
        return len(self.at)


def issues(
    world: World, people: People, orders: Orders, returns: Returns, sessions: Sessions
) -> tuple[Sessions, Contacts]:
    """Everything that makes a customer look for help: their support visits, and the contacts that follow.

    Late parcels, returns, bills and life itself raise issues. Most people look on the site first; a good
    article ends it, the bad one, the missing one and the outage end in a contact.
    """
    rng = world.rng(people.chunk, 10)
    n = people.count
    late = np.flatnonzero(orders.is_late & (orders.customer >= 0) & (rng.random(len(orders.at)) < 0.5))
    early = np.flatnonzero(orders.has_delivery & (orders.customer >= 0) & (rng.random(len(orders.at)) < 0.04))
    back = np.flatnonzero((rng.random(len(returns.order)) < 0.4) & (orders.customer[returns.order] >= 0))
    billed = np.flatnonzero((orders.customer >= 0) & (rng.random(len(orders.at)) < 0.06))
    random = np.repeat(np.arange(n), rng.poisson(2.6 * world.scale**0.5 * world.days / 365, n))
    random_at = world.clock.some_time(rng, world.some_days(rng, len(random)), people.locale[random])
    night = np.repeat(np.array(world.dst_nights, np.int64), max(6, n // 200))
    known = np.searchsorted(np.sort(people.created), night - DAY)  # how many are customers by then
    sleepless = np.argsort(people.created)[rng.integers(0, np.maximum(known, 1))]
    hit = np.flatnonzero(web.meets_outage(world, people, sessions))
    hit = hit[(people.visitor_customer[sessions.visitor[hit]] >= 0) & (rng.random(len(hit)) < CALL_AFTER_OUTAGE)]

    def after(start: Ints, days: float) -> Ints:
        return start + (rng.exponential(days, len(start)) * DAY).astype(np.int64)

    faulty = returns.reason[back] <= 1
    parts = [  # customer, at, topic, order, product, is it looked up on the site first
        (orders.customer[late], after(orders.promised[late], 0.8), w.DELIVERY, late, -1, 0.5),
        (orders.customer[early], after(orders.shipped[early], 0.7), w.DELIVERY, early, -1, 0.6),
        (
            orders.customer[returns.order[back]],
            returns.requested[back] - rng.integers(HOUR, 2 * DAY, len(back)),
            np.where(faulty, w.WARRANTY, w.RETURNS),
            returns.order[back],
            returns.product[back],
            0.6,
        ),
        (orders.customer[billed], after(orders.at[billed], 6), w.BILLING, billed, -1, 0.5),
        (random, random_at, choose(rng, w.ISSUE_WEIGHTS, len(random)), -1, -1, 0.75),
        (sleepless, night + rng.integers(-2 * HOUR, 4 * HOUR, len(night)), w.LOGIN, -1, -1, 0.0),
        (
            people.visitor_customer[sessions.visitor[hit]],
            sessions.at[hit] + rng.integers(2 * MINUTE, 90 * MINUTE, len(hit)),
            w.WEBSITE,
            -1,
            -1,
            0.0,
        ),
    ]
    sizes = [len(part[0]) for part in parts]

    def column(place: int) -> Ints:
        return np.concatenate(
            [np.broadcast_to(np.asarray(part[place]), size) for part, size in zip(parts, sizes, strict=True)]
        )

    customer, at, topic, order, product, online = (column(place) for place in range(6))
    looks: Bools = rng.random(len(at)) < online
    kept = (at >= np.maximum(people.created[customer], world.start)) & (at < world.stop - 2 * HOUR)
    customer, at, topic, order, product = (x[kept] for x in (customer, at, topic, order, product))
    looks = looks[kept]
    article = w.ARTICLE_FOR[topic, w.ARTICLE_LANGUAGE_OF[people.locale[customer]]]
    is_misled = looks & (article == w.BAD_ARTICLE) & (at >= world.broken_from)
    chance = np.where(is_misled, 0.9, np.where(topic == w.GAP_TOPIC, 0.75, 0.36))
    contacts_too = ~looks | (rng.random(len(at)) < chance)
    direct = rng.random(len(at)) < 0.45
    pages = np.where(
        direct,
        np.where(contacts_too & (rng.random(len(at)) < 0.6), 2, 1),
        np.where(contacts_too, 5, rng.integers(2, 5, len(at))),
    )
    pages = np.where(~direct & is_misled, 5, pages)
    device = np.where(rng.random(len(at)) < 0.35, people.second_device[customer], customer)
    visits = Sessions.of(device, at, web.ASK, pages=pages, topic=topic, article=article)
    visits = Sessions(**{**vars(visits), "flow": np.where(direct, web.ASK_DIRECT, web.ASK)}).take(looks)
    wait = np.where(
        looks,
        4 * MINUTE + (rng.exponential(np.where(is_misled, 1.2, 5.0), len(at)) * HOUR).astype(np.int64),
        0,
    )
    channel = np.where(rng.random(len(at)) < 0.75, people.channel[customer], rng.integers(0, 8, len(at)))
    is_call = (is_misled & (rng.random(len(at)) < CALL_AFTER_BAD_ARTICLE)) | (topic == w.WEBSITE)
    channel = np.where(is_call, w.PHONE, channel)
    first = np.flatnonzero(contacts_too)
    waves = [(first, at[first] + wait[first], channel[first])]
    for share in (0.2, 0.12):  # some have to come back, often elsewhere
        again, then, by = waves[-1]
        more = rng.random(len(again)) < np.where(topic[again] == w.DETRACTOR_TOPIC, share * 1.8, share)
        again, then, by = again[more], then[more], by[more]
        elsewhere = np.where(rng.random(len(again)) < 0.6, by, rng.integers(0, 8, len(again)))
        waves.append((again, then + rng.integers(8 * HOUR, 6 * DAY, len(again)), elsewhere))
    issue, moment, by = (np.concatenate([wave[place] for wave in waves]) for place in range(3))
    # people call when somebody is there, mostly
    moves = (by <= w.CHAT) & (rng.random(len(by)) < 0.8) & ~(topic[issue] == w.WEBSITE) & (looks[issue])
    moment = np.where(moves, world.when_staffed(rng, moment), moment)
    order_by_time = np.argsort(moment, kind="stable")
    order_by_time = order_by_time[moment[order_by_time] < world.stop - HOUR]
    issue, moment, by = issue[order_by_time], moment[order_by_time], by[order_by_time]
    named = rng.random(len(issue))
    has_interaction = rng.random(len(issue)) < _HAS_INTERACTION[by]
    return visits, Contacts(
        number=people.chunk * STRIDE + np.arange(len(issue)),
        customer=customer[issue],
        at=moment,
        channel=by,
        topic=topic[issue],
        order=order[issue],
        product=product[issue],
        after_bad_article=is_misled[issue],
        is_named=named < 0.74,
        has_address=named < 0.94,
        has_interaction=has_interaction,
        has_ticket=(rng.random(len(issue)) < _HAS_TICKET[by]) | ~has_interaction,
    )


@dataclass(frozen=True)
class Service:
    """What the contacts led to, per contact; `wait` in seconds, times NULL where it did not happen."""

    wait: Floats
    is_transferred: Bools
    is_answered: Bools  # by an agent, at last
    agent: Ints
    ended: Ints
    first_response: Ints
    solved: Ints  # the last time
    is_reopened: Bools


def serve(world: World, people: People, orders: Orders, contacts: Contacts) -> tuple[Service, dict[str, list[Frame]]]:
    """Handle the contacts: interactions with their legs, tickets with events, messages and articles."""
    rng = world.rng(people.chunk, 11)
    service, interactions = _interactions(world, rng, people, orders, contacts)
    service, tables = _tickets(world, rng, people, orders, contacts, service)
    return service, {"interactions": interactions, **tables}


def _who(people: People, orders: Orders, contacts: Contacts, rows: Ints) -> Frame:
    """The columns that interactions and tickets share."""
    customer, order = contacts.customer[rows], contacts.order[rows]
    return {
        "customer_id": people.customer_ids(np.where(contacts.is_named[rows], customer, -1)),
        "contact_address": people.addresses(
            np.where(contacts.has_address[rows], customer, -1), contacts.channel[rows] == w.PHONE
        ),
        "channel": Words(contacts.channel[rows], w.CHANNELS),
        "topic": Words(contacts.topic[rows], w.TOPICS),
        "product_id": Words(contacts.product[rows], w.PRODUCTS),
        "order_id": Ids("o", np.where(order >= 0, orders.number[order], -1) if len(orders.number) else order),
        "language": Words(people.locale[customer], w.LANGUAGES),
    }


def _interactions(
    world: World, rng: Rng, people: People, orders: Orders, contacts: Contacts
) -> tuple[Service, list[Frame]]:
    n = contacts.count
    at, channel = contacts.at, contacts.channel
    hour = world.week_hour(at)
    staffed = world.is_staffed[hour]
    is_phone, is_live = channel == w.PHONE, np.isin(channel, (w.PHONE, w.CHAT, w.MESSAGING))
    is_bot = is_live & ~is_phone & ((rng.random(n) < 0.28) | ~staffed)
    ivr = np.where(is_phone, 12 + rng.exponential(22, n), 0).astype(np.int64)
    luck = rng.random(n)
    outcome = np.full(n, _ANSWERED)
    outcome[is_phone & (luck < 0.05)] = _IVR_DONE
    outcome[is_phone & (luck > 0.97)] = _LEFT_IVR
    outcome[is_phone & ~staffed] = np.where(luck < 0.5, _VOICEMAIL, _LEFT_IVR)[is_phone & ~staffed]
    in_ivr = outcome != _ANSWERED
    rush = (at >= world.outage[0]) & (at < world.outage[1] + 4 * HOUR)
    crowd = np.where(np.isin(hour % 24, (9, 10, 11, 17)), 1.7, 1.0) * np.where(rush, 9.0, 1.0)
    wait = np.where(is_live & ~is_bot, np.floor(rng.exponential(24 * crowd)), 0)
    patience = np.floor(3 + rng.exponential(210, n))
    outcome[is_live & ~is_bot & ~in_ivr & (wait > patience)] = _LEFT_QUEUE
    wait = np.minimum(wait, patience)
    cut = rng.random(n)
    outcome[(outcome == _ANSWERED) & (cut < 0.014)] = _CUT
    outcome[(outcome == _ANSWERED) & (cut > 0.997)] = _FAILED
    is_answered = (outcome == _ANSWERED) | (outcome == _CUT)
    enqueued = np.where(is_live & ~in_ivr & ~is_bot, at + ivr * SECOND, NULL)
    later = world.when_staffed(rng, at) + (rng.exponential(1.6, n) * HOUR).astype(np.int64)
    answered = np.where(is_live, at + (ivr + wait.astype(np.int64)) * SECOND + is_bot * 2 * SECOND, later)
    talk = np.floor(np.exp(rng.normal(5.3, 0.6, n))) * np.where(contacts.topic == w.BILLING, 1.4, 1.0)
    talk = np.floor(np.where(is_bot, talk / 3, talk))
    hold = np.floor(np.where(is_phone & (rng.random(n) < 0.3), rng.exponential(55, n), 0))
    wrap = np.floor(rng.exponential(40, n))
    agent = np.where(is_bot, world.chat_bot, world.agent_at(rng, answered))
    is_served = is_answered & contacts.has_interaction
    hands_on = (
        is_served
        & is_live
        & (rng.random(n) < np.where(is_bot, 0.5, np.where(contacts.topic == w.DETRACTOR_TOPIC, 0.2, 0.08)))
    )
    hands_on &= staffed & (outcome == _ANSWERED)
    ended = np.where(
        is_answered,
        answered + (talk + hold).astype(np.int64) * SECOND,
        at + (ivr + np.where(outcome == _LEFT_QUEUE, wait, 20).astype(np.int64)) * SECOND,
    )
    ended = np.minimum(ended, world.stop - SECOND)
    late = answered >= world.stop  # not answered yet
    outcome[late], is_answered, is_served = _FAILED, is_answered & ~late, is_served & ~late
    rows = np.flatnonzero(contacts.has_interaction)
    ticket = np.where(contacts.has_ticket, contacts.number, -1)
    handler = np.select([is_bot, outcome == _IVR_DONE, is_answered], [1, 2, 0], 3)
    unsaid = rng.random(n) < 0.12  # the outcome is left to be worked out, where it can be
    unsaid &= ((outcome == _ANSWERED) | (outcome == _LEFT_QUEUE)) & (is_answered | (enqueued != NULL))
    human = is_answered & ~is_bot
    queue = np.where(is_bot, 4, np.select([contacts.topic == w.BILLING, contacts.topic == w.SETUP], [1, 2], 0))
    first: Frame = {
        "interaction_id": Ids(INTERACTION, contacts.number),
        "parent_interaction_id": Ids(INTERACTION, np.full(n, -1)),
        "direction": Words(np.where(rng.random(n) < 0.05, -1, 0), ("inbound",)),
        "started_at": at,
        "queue_name": Words(np.where(in_ivr, -1, queue), _QUEUES),
        "enqueued_at": enqueued,
        "answered_at": np.where(is_answered, answered, NULL),
        "ended_at": ended,
        "outcome": Words(np.where(unsaid, -1, outcome), OUTCOMES),
        "handled_by": Words(np.where(rng.random(n) < 0.06, -1, handler), _HANDLERS),
        "agent_id": Words(np.where(is_answered, agent, -1), world.agent_ids),
        "ivr_seconds": np.where(is_phone, ivr, np.nan),
        "queue_seconds": np.where((enqueued != NULL) & (rng.random(n) < 0.93), wait, np.nan),
        "talk_seconds": np.where(is_answered, talk, np.nan),
        "hold_seconds": np.where(is_answered, hold, np.nan),
        "wrap_up_seconds": np.where(human, wrap, np.nan),
        "transfer_count": np.where(is_answered, hands_on, NULL),
        "hold_count": np.where(is_answered, hold > 0, NULL),
        "ticket_id": Ids(TICKET, ticket),
        "is_excluded": rng.random(n) < 0.004,
    }
    frames = [{**_who(people, orders, contacts, rows), **take(first, rows)}]
    legs = np.flatnonzero(hands_on)
    waits = np.floor(rng.exponential(35, len(legs)))
    picked = ended[legs] + waits.astype(np.int64) * SECOND
    talks = np.floor(np.exp(rng.normal(5.4, 0.5, len(legs))))
    finished = picked + talks.astype(np.int64) * SECOND
    leg_agent = world.agent_at(rng, picked)
    frames.append(
        {
            **_who(people, orders, contacts, legs),
            "interaction_id": Ids(INTERACTION, contacts.number[legs] + STRIDE // 2),
            "parent_interaction_id": Ids(INTERACTION, contacts.number[legs]),
            "direction": Words(np.zeros(len(legs), np.int64), ("inbound",)),
            "started_at": ended[legs],
            "queue_name": Words(np.full(len(legs), 3), _QUEUES),
            "enqueued_at": ended[legs],
            "answered_at": picked,
            "ended_at": finished,
            "outcome": Words(np.zeros(len(legs), np.int64), OUTCOMES),
            "handled_by": Words(np.zeros(len(legs), np.int64), _HANDLERS),
            "agent_id": Words(leg_agent, world.agent_ids),
            "queue_seconds": waits,
            "talk_seconds": talks,
            "hold_seconds": np.zeros(len(legs)),
            "wrap_up_seconds": np.floor(rng.exponential(40, len(legs))),
            "transfer_count": np.zeros(len(legs), np.int64),
            "ticket_id": Ids(TICKET, ticket[legs]),
            "is_excluded": np.zeros(len(legs), np.bool_),
        }
    )
    agent[legs] = leg_agent
    ended[legs] = finished
    return Service(
        wait=np.where(enqueued != NULL, wait, 0.0),
        is_transferred=hands_on,
        is_answered=(human & contacts.has_interaction) | hands_on,
        agent=agent,
        ended=ended,
        first_response=np.full(n, NULL),
        solved=np.full(n, NULL),
        is_reopened=np.zeros(n, np.bool_),
    ), frames


def _tickets(
    world: World, rng: Rng, people: People, orders: Orders, contacts: Contacts, service: Service
) -> tuple[Service, dict[str, list[Frame]]]:
    n, stop = contacts.count, world.stop
    channel, topic = contacts.channel, contacts.topic
    created = np.minimum(contacts.at + np.where(contacts.has_interaction, 0, 5 * SECOND), stop - SECOND)
    hours = np.array([0.05, 0.05, 2.2, 0.15, 0.8, 2.8, 5.0, 1.0])[channel]
    spoken = contacts.has_interaction & (channel <= w.CHAT)
    ready = world.when_staffed(rng, np.where(spoken, np.maximum(service.ended, created), created))
    reply = ready + (hours * rng.exponential(1.0, n) * HOUR).astype(np.int64) + MINUTE
    reply = world.when_staffed(rng, reply)
    is_mute = rng.random(n) < 0.04
    one_touch = rng.random(n) < 0.45
    effort = np.where(topic == w.DETRACTOR_TOPIC, 2.2, 1.0) * np.exp(rng.normal(2.6, 0.9, n))
    back = reply + (rng.exponential(5, n) * HOUR).astype(np.int64) + 10 * MINUTE  # the customer writes again
    solved = np.where(one_touch, reply + 3 * MINUTE, back + (effort * HOUR).astype(np.int64))
    never = is_mute | (rng.random(n) < 0.03)
    reopens = ~never & (rng.random(n) < np.where(topic == w.DETRACTOR_TOPIC, 0.16, 0.06))
    reopened = np.where(reopens, solved + (rng.uniform(0.3, 3, n) * DAY).astype(np.int64), NULL)
    solved_again = np.where(reopens, reopened + (effort * HOUR).astype(np.int64) + HOUR, NULL)
    last = np.where(reopens, solved_again, solved)
    closed = np.where(~never & (rng.random(n) < 0.8), last + 4 * DAY, NULL)

    def known(moment: Ints) -> Ints:
        return np.where((moment < stop) & ~(never & (moment > reply)), moment, NULL)

    first_response = np.where(is_mute | (reply >= stop), NULL, reply)
    solved, reopened, solved_again, closed = (
        known(x) for x in (np.where(never, NULL, solved), reopened, solved_again, closed)
    )
    back = np.where(one_touch | is_mute | (back >= stop), NULL, back)
    is_open_again = (reopened != NULL) & (solved_again == NULL)
    done = np.where(solved_again != NULL, solved_again, np.where(is_open_again, NULL, solved))
    status = np.select(
        [closed != NULL, done != NULL, is_open_again, (back != NULL), (first_response != NULL) & ~one_touch],
        [_CLOSED, _SOLVED, _OPEN, _OPEN, _PENDING],
        _NEW,
    )
    status = np.where((status == _NEW) & (first_response != NULL), _OPEN, status)
    agent = np.where(service.is_answered, service.agent, world.agent_at(rng, np.where(is_mute, created, reply)))
    moved = (rng.random(n) < 0.18) & (first_response != NULL)
    other = world.agent_at(rng, reply + HOUR)
    team = world.agent_team[agent]
    new_team = np.where(topic == w.BILLING, 2, np.where(topic == w.SETUP, 3, world.agent_team[other]))
    move_at = np.minimum(reply + 20 * MINUTE, stop - SECOND)
    owner = np.where(moved, other, agent)
    rows = np.flatnonzero(contacts.has_ticket)
    previous = _previous_ticket(contacts, rows, 7 * DAY)
    merged = np.where((previous >= 0) & (rng.random(n) < 0.25), previous, -1)
    merged[merged[np.maximum(merged, 0)] >= 0] = -1  # never into a ticket that is itself merged away
    has_history = (rng.random(n) < 0.97) & contacts.has_ticket
    priority = choose(rng, [0.15, 0.6, 0.2, 0.05], n)
    schedule = np.where(rng.random(n) < 0.1, -1, (people.locale[contacts.customer] >= 8).astype(np.int64))
    kind = np.select(
        [topic == w.DETRACTOR_TOPIC, contacts.order >= 0],
        [choose(rng, [1, 2, 5], n), choose(rng, [2, 3, 2], n)],
        choose(rng, [4, 4, 1], n),
    )
    service = Service(
        wait=service.wait,
        is_transferred=service.is_transferred,
        is_answered=service.is_answered,
        agent=np.where(contacts.has_ticket, owner, service.agent),
        ended=service.ended,
        first_response=np.where(contacts.has_ticket, first_response, NULL),
        solved=np.where(contacts.has_ticket, done, NULL),
        is_reopened=(reopened != NULL) & contacts.has_ticket,
    )
    unsure = rng.random(n) < 0.1
    tickets: Frame = {
        "ticket_id": Ids(TICKET, contacts.number),
        "created_at": created,
        "case_type": Words(np.where(rng.random(n) < 0.04, -1, kind), ("question", "problem", "complaint")),
        "subtopic": Words(rng.integers(0, 3, n), ("first time", "again", "other")),
        "brand": Words(people.brand[contacts.customer], w.BRANDS),
        "priority": Words(priority, _PRIORITIES),
        "status": Words(status, _STATUSES),
        "assignee_id": Words(np.where(first_response != NULL, owner, -1), world.agent_ids),
        "team": Words(np.where(moved, new_team, team), w.TEAMS),
        "schedule_id": Words(schedule, SCHEDULES),
        "solved_at": done,
        "closed_at": closed,
        "merged_into_ticket_id": Ids(TICKET, np.where(merged >= 0, contacts.number[merged], -1)),
        "is_spam": np.where(unsure, NULL, 0),
        "is_excluded": rng.random(n) < 0.004,
        "subject": Words(topic * len(_PHRASES), _BODIES),
    }
    values = (*_STATUSES, *_PRIORITIES, *w.TEAMS, *SCHEDULES, *world.agent_ids)
    teams, schedules, agents = 9, 9 + len(w.TEAMS), 9 + len(w.TEAMS) + 2
    blocks: list[tuple[Bools, Ints, int, Ints | int, Ints | int, int]] = [  # where, when, field, old, new, actor
        (has_history, created, 0, -1, _NEW, 3),
        (has_history & (schedule >= 0) & (rng.random(n) < 0.06), created, 5, schedules, schedules + 1, 3),
        (first_response != NULL, reply, 1, -1, agents + agent, 3),
        (first_response != NULL, reply, 2, -1, teams + team, 3),
        (first_response != NULL, reply, 0, _NEW, _OPEN, 1),
        (
            (first_response != NULL) & ~one_touch & (reply + MINUTE < stop),
            reply + MINUTE,
            0,
            _OPEN,
            _PENDING,
            1,
        ),
        (back != NULL, back, 0, _PENDING, _OPEN, 0),
        (moved, move_at, 1, agents + agent, agents + other, 1),
        (moved & (new_team != team), move_at, 2, teams + team, teams + new_team, 1),
        ((rng.random(n) < 0.08) & (first_response != NULL), reply, 3, 5 + 1, 5 + priority, 1),
        (solved != NULL, solved, 0, _OPEN, _SOLVED, 1),
        (reopened != NULL, reopened, 0, _SOLVED, _OPEN, 0),
        (solved_again != NULL, solved_again, 0, _OPEN, _SOLVED, 1),
        (closed != NULL, closed, 0, _SOLVED, _CLOSED, 3),
    ]
    events = _history(people, blocks, has_history, contacts, owner, world, values)
    said = _messages(world, rng, people, contacts, agent, created, first_response, back, done, reopened, one_touch)
    return service, {
        "tickets": [
            {**_who(people, orders, contacts, rows), **take(tickets, rows)},
            _spam(world, rng, people),
        ],
        "ticket_events": [events],
        "ticket_messages": [said],
        "ticket_articles": [_links(rng, people, contacts, service, owner, world)],
    }


def _previous_ticket(contacts: Contacts, rows: Ints, within: int) -> Ints:
    """Per contact, the same customer's ticket in the `within` microseconds before; else -1."""
    found = np.full(contacts.count, -1)
    order = rows[np.lexsort((contacts.at[rows], contacts.customer[rows]))]
    same = contacts.customer[order][1:] == contacts.customer[order][:-1]
    near = contacts.at[order][1:] - contacts.at[order][:-1] <= within
    found[order[1:]] = np.where(same & near, order[:-1], -1)
    return found


def _history(
    people: People,
    blocks: list[tuple[Bools, Ints, int, Ints | int, Ints | int, int]],
    has_history: Bools,
    contacts: Contacts,
    owner: Ints,
    world: World,
    values: tuple[str, ...],
) -> Frame:
    """`ticket_events`: the blocks' rows by ticket and time; equal times keep the order of the blocks."""
    rows = [np.flatnonzero(where & has_history) for where, *_ in blocks]
    ticket = np.concatenate(rows)
    at = np.concatenate([block[1][row] for block, row in zip(blocks, rows, strict=True)])

    def codes(place: int) -> Ints:
        picked = [np.broadcast_to(np.asarray(b[place]), len(has_history))[r] for b, r in zip(blocks, rows, strict=True)]
        return np.concatenate(picked).astype(np.int64)

    order = np.lexsort((np.arange(len(at)), at, ticket))
    ticket, at = ticket[order], at[order]
    field, old, new, actor = (codes(place)[order] for place in (2, 3, 4, 5))
    return {
        "event_id": Ids("te", people.chunk * STRIDE + np.arange(len(at))),
        "ticket_id": Ids(TICKET, contacts.number[ticket]),
        "event_at": at,
        "field_name": Words(field, ("status", "assignee", "team", "priority", "topic", "schedule")),
        "old_value": Words(old, values),
        "new_value": Words(new, values),
        "actor_id": Words(np.where(actor == 1, owner[ticket], -1), world.agent_ids),
        "actor_type": Words(actor, ("customer", "agent", "bot", "system")),
    }


def _messages(
    world: World, rng: Rng, people: People, contacts: Contacts, agent: Ints, created: Ints,
    first_response: Ints,
    back: Ints, done: Ints, reopened: Ints, one_touch: Bools,
) -> Frame:  # fmt: skip
    n = contacts.count
    has = contacts.has_ticket
    written = np.isin(contacts.channel, (w.EMAIL, w.WEB_FORM))
    in_forum = contacts.channel == w.FORUM
    neighbour = created + ((np.where(done == NULL, world.stop, done) - created) * rng.uniform(0.05, 0.6, n)).astype(
        np.int64
    )
    answered = first_response != NULL
    blocks = [  # where, when, author type, author, public, automatic
        (has, created, 0, -1, 1, NULL),
        (has & written & (rng.random(n) < 0.9), created + 40 * SECOND, 2, world.chat_bot + 1, 1, 1),
        (has & answered, first_response, 1, agent, NULL, 0),
        (has & answered & (rng.random(n) < 0.2), first_response + 4 * MINUTE, 1, agent, 0, 0),
        (has & in_forum & (rng.random(n) < 0.5), neighbour, 4, -1, 1, NULL),
        (has & (back != NULL), back, 0, -1, 1, 0),
        (has & (done != NULL) & ~one_touch, done - MINUTE, 1, agent, 1, 0),
        (has & (reopened != NULL), reopened, 0, -1, 1, 0),
        (has & (done != NULL) & (rng.random(n) < 0.5), done + 2 * SECOND, 3, -1, 1, 1),
    ]
    rows = [np.flatnonzero(where & (when < world.stop)) for where, when, *_ in blocks]
    ticket = np.concatenate(rows)
    at = np.concatenate([block[1][row] for block, row in zip(blocks, rows, strict=True)])
    order = np.lexsort((np.arange(len(at)), at, ticket))

    def codes(place: int) -> Ints:
        picked = [np.broadcast_to(np.asarray(b[place]), n)[r] for b, r in zip(blocks, rows, strict=True)]
        return np.concatenate(picked)[order].astype(np.int64)

    ticket, at = ticket[order], at[order]
    kind, author, public, automatic = (codes(place) for place in (2, 3, 4, 5))
    customer = np.where((kind == 0) & contacts.is_named[ticket], contacts.customer[ticket], -1)
    names = texts(Words(author, world.agent_ids))
    own = customer >= 0
    names[own] = texts(people.customer_ids(customer[own]))
    # the first word and the first answer of a call are the call itself
    is_call = contacts.has_interaction[ticket] & (contacts.channel[ticket] <= w.CHAT)
    spoken = is_call & (kind == 0) & (at == created[ticket])
    m = len(at)
    return {
        "message_id": Ids("m", people.chunk * STRIDE + np.arange(m)),
        "ticket_id": Ids(TICKET, contacts.number[ticket]),
        "interaction_id": Ids(INTERACTION, np.where(spoken, contacts.number[ticket], -1)),
        "sent_at": at,
        "author_id": names,
        "author_type": Words(kind, ("customer", "agent", "bot", "system", "community")),
        "channel": Words(contacts.channel[ticket], w.CHANNELS),
        "is_public": public,
        "is_auto_reply": automatic,
        "is_spam": np.where(rng.random(m) < 0.003, 1, np.where(rng.random(m) < 0.2, NULL, 0)),
        "body": Words(contacts.topic[ticket] * len(_PHRASES) + rng.integers(0, len(_PHRASES), m), _BODIES),
    }


def _links(rng: Rng, people: People, contacts: Contacts, service: Service, owner: Ints, world: World) -> Frame:
    """Articles on solved tickets; a machine suggests more than agents use."""
    solved = np.flatnonzero(service.solved != NULL)
    parts = []
    for kind, share in enumerate((0.3, 0.02, 0.06, 0.3)):
        parts.append((solved[rng.random(len(solved)) < share], kind))
    ticket = np.concatenate([rows for rows, _ in parts])
    kinds = np.concatenate([np.full(len(rows), kind) for rows, kind in parts])
    language = w.ARTICLE_LANGUAGE_OF[people.locale[contacts.customer[ticket]]]
    return {
        "ticket_id": Ids(TICKET, contacts.number[ticket]),
        "article_id": Words(w.ARTICLE_FOR[contacts.topic[ticket], language], w.ARTICLE_IDS),
        "linked_at": service.solved[ticket] - rng.integers(MINUTE, 2 * MINUTE, len(ticket)),
        "agent_id": Words(np.where(kinds == 3, -1, owner[ticket]), world.agent_ids),
        "link_type": Words(
            np.where((kinds == 0) & (rng.random(len(ticket)) < 0.1), -1, kinds),
            ("used", "created", "attached", "suggested"),
        ),
    }


def _spam(world: World, rng: Rng, people: People) -> Frame:
    """Tickets that nobody should count."""
    n = people.count // 60 + 1
    created = world.some_days(rng, n) * DAY + rng.integers(0, DAY, n)
    return {
        "ticket_id": Ids(TICKET, people.chunk * STRIDE + STRIDE // 2 + np.arange(n)),
        "created_at": created,
        "channel": Words(np.full(n, w.EMAIL), w.CHANNELS),
        "status": Words(np.full(n, _CLOSED), _STATUSES),
        "closed_at": np.minimum(created + HOUR, world.stop - 1),
        "is_spam": np.ones(n, np.int64),
        "subject": Words(np.zeros(n, np.int64), ("win a prize",)),
    }


def quality_reviews(world: World, people: People, contacts: Contacts, service: Service) -> Frame:
    """Contacts judged inside: a few of the answered ones and of the solved tickets, on three criteria."""
    rng = world.rng(people.chunk, 12)
    calls = np.flatnonzero(service.is_answered & contacts.has_interaction & (rng.random(contacts.count) < 0.06))
    cases = np.flatnonzero((service.solved != NULL) & (rng.random(contacts.count) < 0.04))
    row = np.repeat(np.concatenate([calls, cases]), 3)
    is_case = np.repeat(np.arange(len(calls) + len(cases)) >= len(calls), 3)
    review = np.repeat(np.arange(len(calls) + len(cases)), 3)
    criterion = np.arange(len(row)) % 3
    start = np.where(is_case, service.solved[row], service.ended[row])
    at = start + np.repeat(rng.integers(DAY, 6 * DAY, len(row) // 3), 3)
    wide = is_case  # tickets are judged on a default scale of 0 to 100, calls on 1 to 5
    share = np.clip(0.78 + rng.normal(0, 0.15, len(row)) - 0.12 * service.is_transferred[row], 0, 1)
    frame: Frame = {
        "review_id": Ids("qr", people.chunk * STRIDE + review),
        "criterion": Words(criterion - 1, ("greeting", "solution")),
        "interaction_id": Ids(INTERACTION, np.where(is_case, -1, contacts.number[row])),
        "ticket_id": Ids(TICKET, np.where(is_case, contacts.number[row], -1)),
        "agent_id": Words(service.agent[row], world.agent_ids),
        "reviewer_id": Words(rng.integers(0, 2, len(row)), ("lead-1", "lead-2")),
        "scored_at": at,
        "score": np.where(wide, np.round(share * 100), np.round(1 + share * 4)),
        "scale_min": np.where(wide, np.nan, 1.0),
        "scale_max": np.where(wide, np.nan, 5.0),
    }
    return take(frame, at < world.stop)
