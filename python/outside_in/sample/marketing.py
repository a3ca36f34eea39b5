"""How people are reached: which visits an advertisement started, and what it showed to the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from outside_in.sample import web
from outside_in.sample import world as w
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
    Frame,
    Ids,
    Ints,
    Rng,
    Words,
    choose,
    stack,
    take,
    whole,
)


def with_campaigns(world: World, people: People, sessions: Sessions) -> Sessions:
    """The visits, some of them now started by a click, and the worthless campaign's visits besides."""
    rng = world.rng(people.chunk, 8)
    buyers = np.isin(sessions.flow, (web.BROWSE, web.BUY, web.BOUNCE, web.GIVE_UP)) & (sessions.campaign < 0)
    clicked = buyers & (rng.random(len(sessions.at)) < 0.1)
    campaign = np.where(clicked, choose(rng, [c.weight for c in w.CAMPAIGNS], len(sessions.at)), -1)
    # only customers get the newsletter
    unknown = people.visitor_customer[sessions.visitor] < 0
    campaign = np.where((campaign == w.NEWSLETTER) & unknown, 0, campaign)
    visitors = np.arange(people.worthless.start, people.worthless.stop)
    fooled = np.repeat(visitors, rng.poisson(2.0 * world.scale * world.days / 365, len(visitors)))
    moment = world.clock.some_time(rng, world.some_days(rng, len(fooled)), people.visitor_locale[fooled])
    junk = Sessions.of(fooled, moment, web.BOUNCE, pages=1, campaign=w.WORTHLESS_CAMPAIGN)
    every = web.join([replace(sessions, campaign=campaign), junk])
    number = people.chunk * STRIDE + np.arange(len(every.at))
    # some arrive without their click id
    has_click = (every.campaign >= 0) & (rng.random(len(every.at)) < 0.94)
    return replace(every, click=np.where(has_click, number, -1))


def click_times(sessions: Sessions) -> Ints:
    """When the click behind each visit was, if it had one: a purchase's time is the end of its visit."""
    times: Ints = sessions.at - np.where(sessions.flow == web.BUY, 15 * MINUTE, 2 * SECOND)
    return times


def ad_events(world: World, people: People, sessions: Sessions) -> Frame:
    """Impressions and clicks behind the visits, and impressions that led nowhere or to a later visit."""
    rng = world.rng(people.chunk, 9)
    clicks = np.flatnonzero(sessions.campaign >= 0)
    click_at = click_times(sessions)
    shown = np.repeat(clicks, np.minimum(rng.geometric(0.5, len(clicks)), 6))
    ago = rng.integers(MINUTE, 2 * DAY, len(shown))
    is_start = np.concatenate([[True], shown[1:] != shown[:-1]]) if len(shown) else np.zeros(0, np.bool_)
    seen_at = click_at[shown] - np.where(is_start, rng.integers(2 * SECOND, MINUTE, len(shown)), ago)
    lookers = np.flatnonzero(rng.random(len(sessions.at)) < 0.22)
    looked_at = sessions.at[lookers] - rng.integers(HOUR, 12 * DAY, len(lookers))
    weights = [c.weight if c.channel in ("search", "display", "social") else 0 for c in w.CAMPAIGNS]
    looked = choose(rng, weights, len(lookers))
    frame = stack(
        [
            _block(rng, people, sessions, clicks, sessions.campaign[clicks], click_at[clicks], True),
            _block(rng, people, sessions, shown, sessions.campaign[shown], seen_at, False),
            _block(rng, people, sessions, lookers, looked, looked_at, False),
        ]
    )
    at = np.asarray(frame["event_at"])
    frame = take(frame, np.argsort(at, kind="stable"))
    at = np.asarray(frame["event_at"])
    frame = {"event_id": Ids("ae", people.chunk * STRIDE + np.arange(len(at))), **frame}
    return take(frame, (at >= world.start) & (at < world.stop))


def _block(rng: Rng, people: People, sessions: Sessions, rows: Ints, campaign: Ints, at: Ints, is_click: bool) -> Frame:
    n = len(rows)
    is_mail: Bools = campaign == w.NEWSLETTER
    costs = np.array([c.cost for c in w.CAMPAIGNS])[campaign]
    cost = np.where(costs > 0, whole(costs * rng.uniform(0.6, 1.4, n) * 100) * 100, NULL)
    visitor = sessions.visitor[rows]
    return {
        "campaign_id": Words(campaign, w.CAMPAIGN_IDS),
        "event_at": at,
        "event_type": Words(is_mail * 2 + is_click, ("impression", "click", "email_open", "email_click")),
        "click_id": Ids("k", sessions.click[rows] if is_click else np.full(n, -1)),
        "visitor_id": people.visitor_ids(np.where(is_mail, -1, visitor)),
        "customer_id": people.customer_ids(np.where(is_mail, people.visitor_customer[visitor], -1)),
        "placement": Words(np.where(is_mail, 3, rng.integers(0, 3, n)), ("top", "sidebar", "feed", "mail")),
        "creative_id": Words(
            rng.integers(0, 2, n) + campaign * 2, [f"cr-{i:02d}" for i in range(2 * len(w.CAMPAIGNS))]
        ),
        "is_viewable": rng.random(n) < 0.72 if not is_click else np.full(n, NULL),
        "cost_amount": cost if is_click else np.full(n, NULL),
        "currency": Words(np.full(n, 0), ("EUR",)),
    }
