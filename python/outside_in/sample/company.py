"""The tables that are there without customers: staff, hours, articles, stock, rates, monitors, campaigns."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from outside_in.sample import world as w
from outside_in.sample.support import SCHEDULES
from outside_in.sample.world import World, microseconds
from outside_in.sample.writer import (
    DAY,
    HOUR,
    MINUTE,
    NULL,
    SECOND,
    Floats,
    Frame,
    Ids,
    Ints,
    Rng,
    Words,
    choose,
    money,
    stack,
    take,
    whole,
)

_HOLIDAYS = {  # month, day, name, schedules
    (1, 1): ("New Year", (0, 1)),
    (5, 1): ("Labour Day", (0,)),
    (7, 4): ("Independence Day", (1,)),
    (10, 3): ("German Unity Day", (0,)),
    (12, 25): ("Christmas Day", (0, 1)),
    (12, 26): ("St Stephen's Day", (0,)),
}
MONITORS = ("mon-shop", "mon-help")
_LOCATIONS = ("Leipzig", "Lyon")


def tables(world: World) -> dict[str, Frame]:
    """Every table that does not grow with the customers."""
    rng = world.rng(1_000_001)
    return {
        "products": _products(),
        "agents": _agents(world),
        "agent_status_events": _statuses(world, rng),
        "service_hours": _hours(world),
        "service_holidays": _holidays(world),
        "knowledge_articles": _articles(world),
        "article_events": _article_events(world, rng),
        "exchange_rates": _rates(world),
        "inventory_snapshots": _inventory(world, rng),
        "uptime_checks": _uptime(world, rng),
        "page_audits": _audits(world, rng),
        "search_performance": _search(world, rng),
        "campaigns": _campaigns(world),
        "campaign_costs": _costs(world, rng),
    }


def _same(count: int, word: str) -> Words:
    return Words(np.zeros(count, np.int64), (word,))


def _products() -> Frame:
    number = np.arange(w.PRODUCT_COUNT)
    names = [f"{w.BRANDS[w.PRODUCT_BRAND[i]]} {w.CATEGORIES[w.PRODUCT_CATEGORY[i]][:-1]} {i + 1}" for i in number]
    return {
        "product_id": Words(number, w.PRODUCTS),
        "product_name": Words(number, names),
        "category": Words(w.PRODUCT_CATEGORY, w.CATEGORIES),
        "brand": Words(w.PRODUCT_BRAND, w.BRANDS),
    }


def _agents(world: World) -> Frame:
    number = np.arange(len(world.agent_team))
    is_bot = world.agent_team == w.TEAMS.index("Bots")
    is_us = world.agent_team == 1
    return {
        "agent_id": Words(number, world.agent_ids),
        "agent_name": Words(number, [f"Agent {i + 1}" for i in number]),
        "team": Words(world.agent_team, w.TEAMS),
        "department": Words((world.agent_team == 3).astype(np.int64), ("Service", "Technical")),
        "location": Words(np.where(is_bot, -1, is_us), ("Leipzig", "Dayton")),
        "is_bot": is_bot,
        "hourly_cost": np.where(is_bot, NULL, money((24.0 + number % 5 * 2.5).astype(np.float64))),
        "currency": Words(np.where(is_bot, -1, is_us), ("EUR", "USD")),
        "started_on": world.start // DAY - 30 * (number % 12) - 5,
        "ended_on": np.full(len(number), NULL),
    }


def _statuses(world: World, rng: Rng) -> Frame:
    """Every shift of every agent: online, busy, a break; chat for a third. Some ends are missing."""
    people = len(world.agent_team) - 2
    first = world.start // DAY
    agent, day = (x.ravel() for x in np.meshgrid(np.arange(people), first + np.arange(world.days), indexing="ij"))
    begin_hour = np.array([hour for hour, _ in w.SHIFTS])[world.agent_shift[agent]]
    begin_day = np.array([day for _, day in w.SHIFTS])[world.agent_shift[agent]]
    works = ((day + 3 - begin_day) % 7 < 5) & (rng.random(len(day)) < 0.93)
    agent, day, begin_hour = agent[works], day[works], begin_hour[works]
    n = len(agent)
    begin = world.clock.to_utc(day * DAY + begin_hour * HOUR, w.HOME_ZONE) + rng.integers(-5 * MINUTE, 8 * MINUTE, n)
    lunch = begin + rng.integers(210 * MINUTE, 260 * MINUTE, n)
    back = lunch + rng.integers(25 * MINUTE, 50 * MINUTE, n)
    end = begin + 8 * HOUR + rng.integers(-5 * MINUTE, 10 * MINUTE, n)
    chats = agent % 3 == 0
    # the others' shifts end only with the next day's first event, or after 24 hours
    leaves = rng.random(n) > 0.03
    said = rng.random(n) < 0.1  # an end that is said, a little after the next event has begun
    steps = [  # where, when, status, channel, said end
        (np.ones(n, np.bool_), begin, "online", -1, np.where(said, lunch + 2 * MINUTE, NULL)),
        (rng.random(n) < 0.4, begin + 50 * MINUTE, "busy", -1, np.full(n, NULL)),
        (rng.random(n) < 0.4, begin + 80 * MINUTE, "online", -1, np.full(n, NULL)),
        (np.ones(n, np.bool_), lunch, "break", -1, np.where(said, back, NULL)),
        (np.ones(n, np.bool_), back, "online", -1, np.full(n, NULL)),
        (chats, begin + 10 * MINUTE, "online", 0, np.full(n, NULL)),
        (chats & (rng.random(n) < 0.5), back + HOUR, "away", 0, np.where(said, back + 90 * MINUTE, NULL)),
        (leaves, end, "offline", -1, np.full(n, NULL)),
    ]
    frames: list[Frame] = [
        {
            "agent_id": Words(agent[where], world.agent_ids),
            "channel": Words(np.full(where.sum(), channel), ("chat",)),
            "started_at": when[where],
            "ended_at": until[where],
            "status": _same(int(where.sum()), status),
        }
        for where, when, status, channel, until in steps
    ]
    frame = stack(frames)
    at = np.asarray(frame["started_at"])
    ended = np.asarray(frame["ended_at"])
    frame["ended_at"] = np.where(ended < world.stop, ended, NULL)
    order = np.argsort(at, kind="stable")
    return take(frame, order[(at[order] >= world.start) & (at[order] < world.stop)])


def _hours(world: World) -> Frame:
    """Two schedules: the European closes earlier from mid-period on, the American runs over midnight."""
    middle = world.start // DAY + world.days // 2
    rows: list[tuple[int, str | None, int, str, str, int, int]] = []
    for weekday in range(1, 6):
        rows.append((0, None, weekday, "08:00", "20:00", NULL, middle - 1))
        rows.append((0, None, weekday, "08:00", "19:00", middle, NULL))
        rows.append((0, "chat", weekday, "09:00", "18:00", NULL, NULL))
        rows.append((1, None, weekday, "08:00", "18:00", NULL, NULL))
    rows.append((0, None, 6, "09:00", "16:00", NULL, NULL))
    rows += [(1, "phone", weekday, "18:00", "02:00", NULL, NULL) for weekday in (4, 5)]  # over midnight
    rows += [(1, "chat", 7, "12:00", "24:00", NULL, NULL)]
    schedule, channel, weekdays, opens, closes, valid_from, valid_to = zip(*rows, strict=True)
    channels = ("chat", "phone")
    times = sorted({*opens, *closes})
    return {
        "schedule_id": Words(np.array(schedule), SCHEDULES),
        "channel": Words(np.array([channels.index(c) if c else -1 for c in channel]), channels),
        "timezone": Words(np.array(schedule), ("Europe/Berlin", "America/New_York")),
        "weekday": np.array(weekdays),
        "opens_at": Words(np.array([times.index(t) for t in opens]), times),
        "closes_at": Words(np.array([times.index(t) for t in closes]), times),
        "valid_from": np.array(valid_from),
        "valid_to": np.array(valid_to),
    }


def holidays(world: World) -> list[tuple[str, int, str]]:
    """Schedule, day (since 1970) and name of every holiday of the period."""
    days = [world.first_day + timedelta(days=k) for k in range(world.days)]
    return [
        (SCHEDULES[schedule], microseconds(day) // DAY, name)
        for day in days
        for name, schedules in [_HOLIDAYS.get((day.month, day.day), ("", ()))]
        for schedule in schedules
    ]


def _holidays(world: World) -> Frame:
    found = holidays(world)
    names = [name for _, _, name in found]
    return {
        "schedule_id": Words(np.array([SCHEDULES.index(s) for s, _, _ in found], np.int64), SCHEDULES),
        "holiday_date": np.array([day for _, day, _ in found], np.int64),
        "holiday_name": Words(np.arange(len(names)), names),
    }


def _article_times(world: World) -> tuple[Ints, Ints]:
    """When each article was written (most before the period, every fifth in its first half) and archived."""
    number = np.arange(len(w.ARTICLES))
    new = number % 5 == 4
    written = np.where(
        new,
        world.start + (number * world.days // 2 // len(number)) * DAY + 9 * HOUR,
        world.start - (20 + number * 7) * DAY,
    )
    archived = np.where(number == w.ARCHIVED_ARTICLE, world.start + world.days * 2 // 3 * DAY + 15 * HOUR, NULL)
    return written, archived


def _articles(world: World) -> Frame:
    number = np.arange(len(w.ARTICLES))
    written, archived = _article_times(world)
    return {
        "article_id": Words(number, w.ARTICLE_IDS),
        "title": Words(number, [a.title for a in w.ARTICLES]),
        "url_path": Words(number, [a.path for a in w.ARTICLES]),
        "topic": Words(w.ARTICLE_TOPIC, w.TOPICS),
        "product_id": Words(np.where(w.ARTICLE_TOPIC == w.SETUP, number % w.PRODUCT_COUNT, -1), w.PRODUCTS),
        "language": Words(np.array([a.language for a in w.ARTICLES]), w.ARTICLE_LANGUAGES),
        "author_id": Words(number % (len(world.agent_team) - 2), world.agent_ids),
        "created_at": written,
        "published_at": written + 26 * HOUR,
        "archived_at": archived,
        "source_ticket_id": Ids("t", np.where(number % 6 == 4, number, -1)),
    }


def _article_events(world: World, rng: Rng) -> Frame:
    """Creation, publication, edits, reviews; the edit that broke the bad article is among them."""
    written, archived = _article_times(world)
    number = np.arange(len(w.ARTICLES))
    edits = rng.integers(0, len(number), world.days // 4 + 2)
    when = world.start + rng.integers(0, world.days, len(edits)) * DAY + rng.integers(8 * HOUR, 17 * HOUR, len(edits))
    kind = choose(rng, [0.6, 0.25, 0.1, 0.05], len(edits)) + 2
    gone = np.array([w.ARCHIVED_ARTICLE])
    bad = np.array([w.BAD_ARTICLE])
    article = np.concatenate([number, number, edits, gone, bad])
    at = np.concatenate([written, written + 26 * HOUR, when, archived[gone], np.array([world.broken_from])])
    kinds = np.concatenate([np.zeros_like(number), np.ones_like(number), kind, [6], [2]])
    kept = np.flatnonzero((at < world.stop) & (at >= written[article]))
    kept = kept[np.argsort(at[kept], kind="stable")]
    agents = len(world.agent_team) - 2
    return {
        "event_id": Ids("ve", np.arange(len(kept))),
        "article_id": Words(article[kept], w.ARTICLE_IDS),
        "event_at": at[kept],
        "event_type": Words(kinds[kept], ("create", "publish", "edit", "review", "flag", "translate", "archive")),
        "actor_id": Words(article[kept] % agents, world.agent_ids),
    }


def _rates(world: World) -> Frame:
    day = world.start // DAY - 10 + np.arange(world.rate.shape[1])
    weekdays = np.flatnonzero((day + 3) % 7 < 5)
    currency, place = (x.ravel() for x in np.meshgrid(np.arange(world.rate.shape[0]), weekdays, indexing="ij"))
    return {
        "rate_date": day[place],
        "from_currency": Words(currency, tuple(w.FOREIGN_CURRENCIES)),
        "to_currency": _same(len(place), "EUR"),
        "rate": world.rate[currency, place],
    }


def _inventory(world: World, rng: Rng) -> Frame:
    """A count every evening: stock falls by what is sold, is filled up after a while, and may run out."""
    days, shape = world.days, (w.PRODUCT_COUNT, len(_LOCATIONS))
    sold = rng.poisson(3.0, (days, *shape))
    stock = np.zeros((days, *shape))
    level = rng.integers(20, 120, shape).astype(np.float64)
    for day in range(days):
        level = np.maximum(level - sold[day], 0)
        stock[day] = level
        level = np.where((level < 12) & (rng.random(shape) < 0.3), level + 90, level)
    at, product, place = (
        x.ravel() for x in np.meshgrid(np.arange(days), np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    )
    return {
        "snapshot_at": world.start + at * DAY + 21 * HOUR,
        "product_id": Words(product, w.PRODUCTS),
        "location_id": Words(place, _LOCATIONS),
        "channel": Words(np.zeros(len(at), np.int64), ("web",)),
        "on_hand_quantity": stock.ravel(),
    }


def _uptime(world: World, rng: Rng) -> Frame:
    """A check every five minutes; the second monitor was set up in the last two weeks."""
    shop = np.arange(world.start + 2 * MINUTE, world.stop, 5 * MINUTE)
    helps = np.arange(max(world.start, world.stop - 14 * DAY) + 3 * MINUTE, world.stop, 5 * MINUTE)
    at = np.concatenate([shop, helps])
    monitor = (np.arange(len(at)) >= len(shop)).astype(np.int64)
    at = at + rng.integers(0, 20 * SECOND, len(at))
    blip = rng.random(len(at)) < 0.0002
    is_up = ~blip & ~((monitor == 0) & (at >= world.outage[0]) & (at < world.outage[1]))
    return {
        "monitor_id": Words(monitor, MONITORS),
        "site": Words(monitor, w.SITES),
        "checked_at": at,
        "is_up": is_up,
        "status_code": np.where(is_up, 200, 503),
        "response_ms": np.where(is_up, np.round(np.exp(rng.normal(5.3, 0.3, len(at)))), 30_000.0),
        "region": Words(np.arange(len(at)) % 2, ("eu", "us")),
    }


def _audits(world: World, rng: Rng) -> Frame:
    """A weekly audit of the main pages on both form factors; the slow page fails on mobile."""
    pages = np.array([w.HOME, w.HELP, w.CART, w.PAYMENT, w.FIRST_CATEGORY, w.FIRST_PRODUCT, w.FIRST_ARTICLE])
    weeks = np.arange(0, world.days, 7)
    week, page, form = (x.ravel() for x in np.meshgrid(weeks, pages, np.arange(2), indexing="ij"))
    slow = (page == w.SLOW_PAGE) & (form == 0)
    n = len(page)
    lcp = np.where(slow, 7200, np.where(form == 0, 2300, 1500)) * np.exp(rng.normal(0, 0.08, n))
    return {
        "page_path": Words(page, [p.path for p in w.PAGES]),
        "form_factor": Words(form, ("mobile", "desktop")),
        "audited_at": world.start + week * DAY + 3 * HOUR + page * MINUTE,
        "performance_score": np.round(np.clip(np.where(slow, 0.28, 0.88) + rng.normal(0, 0.03, n), 0, 1), 2),
        "accessibility_score": np.round(np.clip(0.92 + rng.normal(0, 0.02, n), 0, 1), 2),
        "is_mobile_friendly": ~slow,
        "lcp_ms": np.round(lcp),
        "inp_ms": np.round(np.where(slow, 480, 120) * np.exp(rng.normal(0, 0.1, n))),
        "cls": np.round(rng.exponential(0.04, n), 3),
        "speed_index_ms": np.round(lcp * 1.4),
    }


def _search(world: World, rng: Rng) -> Frame:
    """Per day and site some broken-down rows, and one total that the export did not break down."""
    per_site = 11
    site, day, slot = (
        x.ravel() for x in np.meshgrid(np.arange(2), np.arange(world.days), np.arange(per_site), indexing="ij")
    )
    is_total = slot == per_site - 1
    article = (slot * 3 + day % 3 + site) % len(w.ARTICLES)
    topics = np.array([topic for _, topic, _ in w.SEARCHES])
    query = np.array([np.flatnonzero(topics == t)[0] for t in range(len(w.TOPICS))])[w.ARTICLE_TOPIC[article]]
    n = len(site)
    impressions = np.where(is_total, 900, 60) * rng.uniform(0.6, 1.4, n)
    position: Floats = np.where(is_total, 8.0, 3.0 + slot) * rng.uniform(0.8, 1.2, n)
    clicks = impressions * np.minimum(0.6 / position, 0.3)
    return {
        "report_date": world.start // DAY + day,
        "site": Words(site, w.SITES),
        "page_path": Words(np.where(is_total, -1, w.FIRST_ARTICLE + article), [p.path for p in w.PAGES]),
        "query": Words(np.where(is_total, -1, query), [text for text, _, _ in w.SEARCHES]),
        "country": Words(np.where(is_total, -1, slot % 2), ("DE", "US")),
        "device_type": Words(np.where(is_total, -1, slot % 2), w.DEVICES),
        "clicks": whole(clicks),
        "impressions": whole(impressions),
        "average_position": np.round(position, 2),
    }


def _campaigns(world: World) -> Frame:
    number = np.arange(len(w.CAMPAIGNS))
    return {
        "campaign_id": Words(number, w.CAMPAIGN_IDS),
        "campaign_name": Words(number, [c.name for c in w.CAMPAIGNS]),
        "channel": Words(number, [c.channel for c in w.CAMPAIGNS]),
        "started_on": np.full(len(number), world.start // DAY - 20),
        "ended_on": np.full(len(number), NULL),
        "landing_page_type": Words(number, [c.landing for c in w.CAMPAIGNS]),
    }


def _costs(world: World, rng: Rng) -> Frame:
    """Daily costs in proportion to the customers; the affiliates are paid in dollars."""
    day, campaign = (x.ravel() for x in np.meshgrid(np.arange(world.days), np.arange(len(w.CAMPAIGNS)), indexing="ij"))
    shares = np.array([max(c.weight, 0.06) * (c.cost or 0.25) for c in w.CAMPAIGNS])
    amount = shares[campaign] * world.customers * world.scale * 0.004 * rng.uniform(0.8, 1.2, len(day))
    return {
        "cost_date": world.start // DAY + day,
        "campaign_id": Words(campaign, w.CAMPAIGN_IDS),
        "cost_amount": np.maximum(money(amount), 100),
        "currency": Words((campaign == len(w.CAMPAIGNS) - 1).astype(np.int64), ("EUR", "USD")),
    }
