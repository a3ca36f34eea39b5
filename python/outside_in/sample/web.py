"""Visits: why people come to the sites, which pages they see, and every event a tracker would send."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from outside_in.sample import world as w
from outside_in.sample.commerce import Orders
from outside_in.sample.people import CUSTOMER, STRIDE, People
from outside_in.sample.world import World
from outside_in.sample.writer import (
    CENT,
    DAY,
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
    whole,
)

BOUNCE, BROWSE, BUY, GIVE_UP, TRACK, ASK, ASK_DIRECT, SIGN_IN, CRAWL = range(9)
PRODUCT, CATEGORY, ARTICLE, LANDING = -1, -2, -3, -4  # pages drawn per view
# the pages of each kind of visit, in order; the last one repeats
_FLOWS = np.array(
    [
        [LANDING] * 8,
        [w.HOME, CATEGORY, PRODUCT, PRODUCT, CATEGORY, PRODUCT, w.ABOUT, PRODUCT],
        [PRODUCT, PRODUCT, w.CART, w.ADDRESS, w.PAYMENT, w.DONE, w.DONE, w.DONE],
        [PRODUCT, PRODUCT, w.CART, w.ADDRESS, w.PAYMENT, w.PAYMENT, w.PAYMENT, w.PAYMENT],
        [w.MY_ACCOUNT, w.TRACKING, w.TRACKING, w.HELP, w.HELP, w.HELP, w.HELP, w.HELP],
        [w.HELP, w.SEARCH, ARTICLE, ARTICLE, w.CONTACT, w.CONTACT, w.CONTACT, w.CONTACT],
        [ARTICLE, w.CONTACT, w.CONTACT, w.CONTACT, w.CONTACT, w.CONTACT, w.CONTACT, w.CONTACT],
        [w.HOME, w.MY_ACCOUNT, w.MY_ACCOUNT, w.ABOUT, w.ABOUT, w.ABOUT, w.ABOUT, w.ABOUT],
        [PRODUCT, CATEGORY, PRODUCT, ARTICLE, PRODUCT, w.HOME, CATEGORY, PRODUCT],
    ]
)
EVENTS = (
    "page_view",
    "page_ping",
    "cta_impression",
    "cta_click",
    "site_search",
    "search_click",
    "article_vote",
    "contact_click",
    "chat_request",
    "lead",
    "purchase",
    "web_vital",
)
_VIEW, _PING, _SHOWN, _CLICK, _SEARCH, _FOUND, _VOTE, _CONTACT, _CHAT, _LEAD, _PURCHASE, _VITAL = range(12)
_REFERRERS = (
    "https://www.google.com/",
    "https://www.bing.com/",
    "https://duckduckgo.com/",
    "https://blog.example/lamps",
    "https://forum.example/t/204",
    "https://social.example/",
    *(f"https://{site}/" for site in w.SITES),
)
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) Safari/604.1",
    "Mozilla/5.0 (compatible)",
    "Mozilla/5.0 (compatible; CrawlerBot/2.1)",
)
_CTAS = ("chat-now", "see-plans", "compare", "related-article")
_PAGE_ARTICLE = np.array([page.article for page in w.PAGES], np.int16)
_PAGE_PRODUCT = np.array([page.product for page in w.PAGES], np.int16)
_PAGE_KIND = np.array([w.PAGE_KINDS.index(page.kind) for page in w.PAGES], np.int16)
_TITLES = tuple(
    w.ARTICLES[page.article].title if page.article >= 0 else page.path.strip("/").replace("/", " ").title() or "Home"
    for page in w.PAGES
)
PING_EVERY = 12 * SECOND


@dataclass(frozen=True)
class Sessions:
    """Visits: `visitor` is a position in People, `at` the first moment (of a BUY, that of the purchase).

    `pages` 0 leaves the number to chance. The rest is -1 where it does not apply.
    """

    visitor: Ints
    at: Ints
    flow: Ints
    pages: Ints
    topic: Ints
    article: Ints
    campaign: Ints
    click: Ints
    order: Ints

    @classmethod
    def of(cls, visitor: Ints, at: Ints, flow: int, **others: Ints | int) -> Sessions:
        """Visits of one kind; `others` are the remaining columns, whole or one value for all."""
        n = len(visitor)
        column = {name: np.broadcast_to(np.int64(others.get(name, -1)), n) for name in _OPTIONAL}
        return cls(
            visitor=visitor,
            at=at,
            flow=np.full(n, flow),
            **{k: v.astype(np.int64) for k, v in column.items()},
        )

    def take(self, rows: npt.NDArray[Any]) -> Sessions:
        """These visits."""
        return Sessions(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


_OPTIONAL = ("pages", "topic", "article", "campaign", "click", "order")


def join(parts: list[Sessions]) -> Sessions:
    """The visits of all parts, by their time."""
    columns = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Sessions)}
    return Sessions(**columns).take(np.argsort(columns["at"], kind="stable"))


def everyday(world: World, people: People, orders: Orders) -> Sessions:
    """Visits without a problem behind them: looking, buying, giving up, tracking, signing in, crawling."""
    rng = world.rng(people.chunk, 6)
    busy = np.exp(rng.normal(-0.32, 0.8, people.bots.start))
    often = np.where(np.arange(people.bots.start) < people.unknown.start, 4.6, 2.4)
    often[people.worthless] = 0
    known = np.flatnonzero(people.visitor_customer >= 0)
    online = np.flatnonzero(orders.is_online & ~orders.is_cancelled)
    parcels = np.flatnonzero(orders.has_delivery & (orders.visitor >= 0))
    parcels = parcels[rng.random(len(parcels)) < np.where(orders.is_late[parcels], 0.95, 0.5)]
    seen = orders.shipped[parcels] + (rng.random(len(parcels)) * 3 * DAY).astype(np.int64)
    parcels, seen = parcels[seen < world.stop], seen[seen < world.stop]
    activity = world.scale * world.days / 365

    def at_random(visitor: Ints) -> Ints:
        day = world.some_days(rng, len(visitor))
        return world.clock.some_time(rng, day, people.visitor_locale[visitor])

    looking = np.repeat(np.arange(people.bots.start), rng.poisson(busy * often * activity))
    looked_at = at_random(looking)
    looker = people.visitor_customer[looking]
    has_left = (looker >= 0) & (orders.left[looker] != NULL) & (looked_at > orders.left[looker] + 10 * DAY)
    stays = ~has_left | (rng.random(len(looking)) < 0.25)  # who will not buy again hardly looks in
    looking, looked_at = looking[stays], looked_at[stays]
    signing = np.repeat(known, rng.poisson(0.35 * activity, len(known)))
    # what customers ask comes out of their issues
    unknown = np.arange(people.unknown.start, people.unknown.stop)
    asking = np.repeat(unknown, rng.poisson(0.5 * activity, len(unknown)))
    robots = np.arange(people.bots.start, people.bots.stop)
    crawling = np.repeat(robots, rng.poisson(12 * activity, len(robots)))
    # a promotion on the day of the outage, so that enough people notice
    rush = rng.integers(0, people.unknown.stop, round(people.count * 0.03 * max(1.0, world.scale)))
    outage = rng.integers(world.outage[0], world.outage[1], len(rush))
    flows = choose(rng, [0.3, 0.52, 0.18], len(looking))
    visits = Sessions.of(looking, looked_at, BOUNCE)
    visits = replace(visits, flow=np.array([BOUNCE, BROWSE, GIVE_UP])[flows])
    signed = Sessions.of(signing, at_random(signing), SIGN_IN)
    topic = choose(rng, w.ISSUE_WEIGHTS, len(asking))
    language = w.ARTICLE_LANGUAGE_OF[people.visitor_locale[asking]]
    return join(
        [
            visits,
            Sessions.of(orders.visitor[online], orders.at[online], BUY, pages=6, order=online),
            Sessions.of(orders.visitor[parcels], seen, TRACK, pages=2, order=parcels, topic=w.DELIVERY),
            signed.take(signed.at > people.created[people.visitor_customer[signed.visitor]]),
            Sessions.of(
                asking,
                at_random(asking),
                ASK_DIRECT,
                pages=1,
                topic=topic,
                article=w.ARTICLE_FOR[topic, language],
            ),
            Sessions.of(crawling, at_random(crawling), CRAWL, pages=rng.integers(8, 24, len(crawling))),
            Sessions.of(rush, outage, BROWSE),
        ]
    )


def meets_outage(world: World, people: People, sessions: Sessions) -> Bools:
    """Visits to the shop while it is down; they end on the first page."""
    is_during = (sessions.at >= world.outage[0]) & (sessions.at < world.outage[1])
    is_there = (people.visitor_brand[sessions.visitor] == 0) & ~np.isin(sessions.flow, (BUY, CRAWL))
    found: Bools = is_during & is_there
    return found


@dataclass(frozen=True)
class _Views:
    """The page views of all visits in order; `session` is a position in Sessions, `place` one in the visit.

    `first` and `second` are what is done on the page (codes of EVENTS, -1: nothing), `rest` the engaged time
    after the last ping, `stay` all of it, `at` the beginning; times in microseconds.
    """

    session: Ints
    place: Ints
    page: Ints
    pings: Ints
    rest: Ints
    stay: Ints
    at: Ints
    first: Ints
    second: Ints
    is_shown: Bools
    is_measured: Bools

    @property
    def is_article(self) -> Bools:
        """Whether the page is an article."""
        found: Bools = _PAGE_ARTICLE[self.page] >= 0
        return found


def _draw_views(rng: Rng, world: World, sessions: Sessions, flow: Ints, device: Ints, is_down: Bools) -> _Views:
    """What is seen in these visits, for how long, and what is done there."""
    session, place = _places(rng, flow, sessions.pages, device, is_down)
    page = _pages(rng, sessions, flow, session, place)
    count = len(page)
    is_article, is_product = _PAGE_ARTICLE[page] >= 0, _PAGE_PRODUCT[page] >= 0
    is_worthless = (sessions.campaign == w.WORTHLESS_CAMPAIGN)[session]
    is_crawled = (flow == CRAWL)[session]
    mean_pings = np.where(is_article, 2.6, np.where(is_product, 1.3, 0.8))
    mean_pings = np.where((flow == BOUNCE)[session], mean_pings * 0.35, mean_pings)
    pings = np.minimum(rng.poisson(mean_pings * ~(is_worthless | is_crawled)), 20)
    rest = rng.integers(2 * SECOND, 11 * SECOND, count)
    rest = np.where(is_worthless, rng.integers(SECOND // 5, 2 * SECOND, count), rest)
    first, second = _actions(rng, sessions, session, page, is_crawled | is_worthless)
    may_show = (is_article | is_product | (page == w.HELP)) & ~is_crawled
    stay = rest + pings * PING_EVERY
    before = np.cumsum(stay) - stay
    begins = np.flatnonzero(place == 0)
    length = np.add.reduceat(stay, begins) if count else stay
    start = np.where(flow == BUY, sessions.at - length, np.minimum(sessions.at, world.stop - length - SECOND))
    return _Views(
        session=session,
        place=place,
        page=page,
        pings=pings,
        rest=rest,
        stay=stay,
        at=start[session] + before - before[begins][session],
        first=first,
        second=second,
        is_shown=(may_show & (rng.random(count) < 0.4)) | (first == _CLICK),
        is_measured=(rng.random(count) < 0.32) & ~is_crawled,
    )


@dataclass(frozen=True)
class _Rows:
    """The events in order; `view` is a position in _Views, `opened` and `measured` tell their rows."""

    view: npt.NDArray[np.int32]
    name: npt.NDArray[np.int8]
    at: Ints
    engaged: Floats
    opened: Ints
    measured: Ints


def _lay_out(views: _Views) -> _Rows:
    """Per view: the view, the button shown, the vitals, a ping every twelve seconds, and what is done."""
    has_first, has_second = views.first >= 0, views.second >= 0
    lead_in = 1 + views.is_shown + views.is_measured
    counts = lead_in + views.pings + has_first + has_second
    begin = np.cumsum(counts) - counts
    view = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    name = np.full(len(view), _PING, np.int8)
    at = (np.arange(len(view)) - (begin + lead_in - 1)[view]) * PING_EVERY
    engaged = np.full(len(view), PING_EVERY / 1000)

    def put(where: Bools, offset: Ints | int, what: Ints | int, after: Ints | int) -> Ints:
        target: Ints = (begin + offset)[where]
        name[target], at[target], engaged[target] = what, after, np.nan
        return target

    opened = put(np.ones(len(counts), np.bool_), 0, _VIEW, 0)
    put(views.is_shown, 1, _SHOWN, SECOND * 4 // 5)
    measured = put(views.is_measured, lead_in - 1, _VITAL, SECOND * 17 // 10)
    done = lead_in + views.pings
    put(has_first, done, views.first[has_first], views.stay[has_first] - SECOND // 2)
    put(has_second, done + 1, views.second[has_second], views.stay[has_second] - SECOND // 4)
    bought = np.flatnonzero(name == _PURCHASE)
    at[bought] = views.stay[view[bought]]  # the end of the visit is the moment of the order
    engaged[opened] = np.where(views.place > 0, np.concatenate([[0], views.rest[:-1]]) / 1000, np.nan)
    return _Rows(view, name, at + views.at[view], engaged, opened, measured)


def _speed(rng: Rng, views: _Views, rows: _Rows, is_phone: Bools, is_down: Bools) -> dict[str, Floats]:
    """Loading times and vitals where measured: slow on the phone, very slow there on the slow page."""
    count, measured = len(views.page), rows.measured
    is_slow = (views.page == w.SLOW_PAGE) & is_phone
    load = np.exp(rng.normal(7.1, 0.4, count)) * np.where(is_phone, 1.3, 1.0) * np.where(is_slow, 3.2, 1.0)
    load = np.where(is_down, rng.uniform(18_000, 30_000, count), load)
    speed = {name: np.full(len(rows.view), np.nan) for name in ("page_load_ms", "lcp_ms", "inp_ms", "cls")}
    speed["page_load_ms"][rows.opened] = np.where(rng.random(count) < 0.9, np.round(load), np.nan)
    speed["lcp_ms"][measured] = np.round(load[views.is_measured] * rng.uniform(1.1, 1.6, len(measured)))
    delay = np.exp(rng.normal(4.6, 0.5, len(measured))) * np.where(is_slow[views.is_measured], 3, 1)
    speed["inp_ms"][measured] = np.round(delay)
    speed["cls"][measured] = np.round(rng.exponential(0.045, len(measured)), 4)
    return speed


def _contents(
    rng: Rng, world: World, orders: Orders, sessions: Sessions, views: _Views, rows: _Rows, is_organic: Bools
) -> Frame:
    """What was searched, found, voted, clicked and bought."""
    count = len(rows.view)
    topic = sessions.topic[views.session]
    term, vote, hits, value = (np.full(count, missing) for missing in (-1, -1, NULL, NULL))
    searched = np.flatnonzero(rows.name == _SEARCH)
    term[searched] = _terms(rng, topic[rows.view[searched]])
    hits[searched] = np.array([number for _, _, number in w.SEARCHES])[term[searched]]
    found = np.flatnonzero(rows.name == _FOUND)
    term[found] = term[found - 1]
    organic = rows.opened[is_organic & (views.place == 0) & views.is_article & (rng.random(len(topic)) < 0.1)]
    term[organic] = _terms(rng, topic[rows.view[organic]])
    voted = np.flatnonzero(rows.name == _VOTE)
    is_bad = views.page[rows.view[voted]] == w.FIRST_ARTICLE + w.BAD_ARTICLE
    is_bad &= rows.at[voted] >= world.broken_from
    vote[voted] = rng.random(len(voted)) >= np.where(is_bad, 0.12, 0.8)
    bought = np.flatnonzero(rows.name == _PURCHASE)
    value[bought] = whole(orders.net[sessions.order[views.session[rows.view[bought]]]] * 100) * CENT
    value[rows.name == _LEAD] = 12 * 10_000
    of_article, of_others = choose(rng, [4, 1, 0, 3], len(topic)), choose(rng, [1, 3, 4, 0], len(topic))
    cta = np.where(views.is_article, of_article, of_others).astype(np.int8)
    position = rng.integers(0, 2, len(topic)).astype(np.int8)
    on_cta = (rows.name == _SHOWN) | (rows.name == _CLICK)
    return {
        "search_term": Words(term, [text for text, _, _ in w.SEARCHES]),
        "search_result_count": hits,
        "cta_id": Words(np.where(on_cta, cta[rows.view], -1), _CTAS),
        "cta_position": Words(np.where(on_cta, position[rows.view], -1), ("top", "bottom")),
        "vote": Words(vote, ("helpful", "not_helpful")),
        "value_amount": value,
    }


def events(world: World, people: People, orders: Orders, sessions: Sessions) -> Frame:
    """The `web_events` of these visits."""
    rng = world.rng(people.chunk, 7)
    visitor = sessions.visitor
    is_down = meets_outage(world, people, sessions)
    flow = np.where(is_down, BOUNCE, sessions.flow)
    device = people.visitor_device[visitor]
    views = _draw_views(rng, world, sessions, flow, device, is_down)
    rows = _lay_out(views)
    source = _sources(rng, people, sessions, views.session, views.place)
    speed = _speed(rng, views, rows, device[views.session] == 1, is_down[views.session])
    contents = _contents(rng, world, orders, sessions, views, rows, source["medium"] == _ORGANIC)

    customer = people.visitor_customer[visitor]
    is_member = (customer >= 0) & (sessions.at >= people.created[customer])
    signed_in = is_member & (np.isin(flow, (BUY, TRACK, SIGN_IN)) | (rng.random(len(visitor)) < 0.45))
    trait = visitor * 7919 % 100  # stable per visitor: which trackers they meet
    number = people.chunk * STRIDE
    session_number = np.where(trait >= 14, number + np.arange(len(visitor)), -1)
    row_session = views.session.astype(np.int32)[rows.view]
    row_visitor = visitor[row_session]
    row_page = views.page.astype(np.int16)[rows.view]
    row_locale = people.visitor_locale.astype(np.int8)[row_visitor]
    referrer, utm, medium = (source[name].astype(np.int8)[rows.view] for name in ("referrer", "utm", "medium"))
    engaged = np.where((trait % 10 == 3)[row_session], np.nan, rows.engaged)
    return {
        "event_id": Ids("e", number + np.arange(len(rows.view))),
        "visitor_id": people.visitor_ids(row_visitor),
        "customer_id": Ids(CUSTOMER, np.where(signed_in, people.number[customer], -1)[row_session]),
        "session_id": Ids("s", session_number[row_session]),
        "page_view_id": Ids("pv", np.where((trait != 50)[row_session], number + rows.view, -1)),
        "event_at": rows.at,
        "received_at": rows.at + rng.integers(40_000, 3 * SECOND, len(rows.view)),
        "event_name": Words(rows.name, EVENTS),
        "site": Words(people.visitor_brand.astype(np.int8)[visitor][row_session], w.SITES),
        "page_path": Words(row_page, [page.path for page in w.PAGES]),
        "page_type": Words(_PAGE_KIND[row_page], w.PAGE_KINDS),
        "page_title": Words(row_page, _TITLES),
        "article_id": Words(_PAGE_ARTICLE[row_page], w.ARTICLE_IDS),
        "product_id": Words(_PAGE_PRODUCT[row_page], w.PRODUCTS),
        "referrer": Words(referrer, _REFERRERS),
        "utm_source": Words(utm, [campaign.source for campaign in w.CAMPAIGNS]),
        "utm_medium": Words(medium, _MEDIA),
        "utm_campaign": Words(utm, [campaign.name for campaign in w.CAMPAIGNS]),
        "click_id": Ids("k", np.where(views.place == 0, sessions.click[views.session], -1)[rows.view]),
        "device_type": Words(device.astype(np.int8)[row_session], w.DEVICES),
        "country": Words(row_locale, w.COUNTRIES),
        "language": Words(row_locale, w.LANGUAGES),
        "user_agent": Words(np.where(flow == CRAWL, 4, device).astype(np.int8)[row_session], _AGENTS),
        "is_bot": (flow == CRAWL)[row_session],
        "engagement_ms": engaged,
        **speed,
        **contents,
    }


def _places(rng: Rng, flow: Ints, pages: Ints, device: Ints, is_down: Bools) -> tuple[Ints, Ints]:
    """Per page view: its visit and its place in it. On the phone, more give up at the payment."""
    n = len(flow)
    drawn = np.ones(n, np.int64)
    drawn = np.where(flow == BROWSE, np.minimum(rng.geometric(0.3, n) + 1, 14), drawn)
    at_payment = rng.random(n) < np.where(device == 1, 0.55, 0.2)
    drawn = np.where(flow == GIVE_UP, np.where(at_payment, 5, rng.integers(3, 5, n)), drawn)
    drawn = np.where(flow == SIGN_IN, 2, drawn)
    count = np.where(is_down, 1, np.where(pages > 0, pages, drawn))
    session = np.repeat(np.arange(n), count)
    return session, np.arange(len(session)) - np.repeat(np.cumsum(count) - count, count)


def _pages(rng: Rng, sessions: Sessions, flow: Ints, session: Ints, place: Ints) -> Ints:
    """Per page view: the page."""
    page = _FLOWS[flow[session], np.minimum(place, 7)]
    views = len(page)
    product = choose(rng, w.PRODUCT_WEIGHTS, views)
    landing = np.where(rng.random(views) < 0.5, w.HOME, w.FIRST_PRODUCT + product)
    article = sessions.article[session]
    other = rng.integers(0, len(w.ARTICLES), views)
    article = np.where((article < 0) | ((flow[session] == ASK) & (place == 3)), other, article)
    page = np.where(page == PRODUCT, w.FIRST_PRODUCT + product, page)
    page = np.where(page == CATEGORY, w.FIRST_CATEGORY + product % len(w.CATEGORIES), page)
    page = np.where(page == ARTICLE, w.FIRST_ARTICLE + article, page)
    return np.where(page == LANDING, landing, page)


def _actions(rng: Rng, sessions: Sessions, session: Ints, page: Ints, is_idle: Bools) -> tuple[Ints, Ints]:
    """Per page view: one thing done on it, and one done right after (-1: nothing; always so where idle)."""
    views = len(page)
    luck = rng.random(views)
    first, second = np.full(views, -1), np.full(views, -1)
    is_article = _PAGE_ARTICLE[page] >= 0
    is_product = _PAGE_PRODUCT[page] >= 0
    first[is_article & (luck < 0.16)] = _VOTE
    first[is_article & (luck > 0.92)] = _CLICK
    first[is_article & (luck > 0.98)] = _CHAT
    first[is_product & (luck < 0.05)] = _CLICK
    second[is_product & (luck < 0.012)] = _LEAD
    second[is_article & (first == _CLICK) & (luck < 0.935)] = _LEAD  # a part or plan found in the help
    first[page == w.SEARCH] = _SEARCH
    has_hits = sessions.topic[session] != w.GAP_TOPIC
    second[(page == w.SEARCH) & (luck < 0.7) & has_hits] = _FOUND
    first[(page == w.CONTACT) & (luck < 0.6)] = _CONTACT
    first[(page == w.CONTACT) & (luck > 0.85)] = _CHAT
    first[(page == w.DONE) & (sessions.order[session] >= 0)] = _PURCHASE
    first[is_idle] = second[is_idle] = -1
    return first, second


def _terms(rng: Rng, topic: Ints) -> Ints:
    """What is typed for each topic (-1: anything)."""
    topics = np.array([t for _, t, _ in w.SEARCHES])
    options = np.array([np.resize(np.flatnonzero(topics == t), 2) for t in range(len(w.TOPICS))])
    anything = rng.integers(0, len(w.SEARCHES), len(topic))
    return np.where(topic < 0, anything, options[topic, rng.integers(0, 2, len(topic))])


_MEDIA = ("cpc", "paid_social", "display", "email", "affiliate", "organic")
_ORGANIC = 5


def _sources(rng: Rng, people: People, sessions: Sessions, session: Ints, place: Ints) -> dict[str, Ints]:
    """Per page view: codes of referrer, campaign and medium; a visit's first view tells its source."""
    n = len(sessions.at)
    is_paid = sessions.campaign >= 0
    origin = choose(rng, [0.42, 0.2, 0.07, 0.06, 0.07, 0.06, 0.12], n) - 1  # -1 direct, then the referrers
    origin = np.where((sessions.flow == ASK_DIRECT) & (rng.random(n) < 0.6), 0, origin)
    origin = np.where(is_paid | (origin > 5) | (sessions.flow == CRAWL), -1, origin)
    medium = np.where((origin >= 0) & (origin <= 2) & (rng.random(n) < 0.2), _ORGANIC, -1)
    media = np.array([_MEDIA.index(campaign.medium) for campaign in w.CAMPAIGNS])
    medium = np.where(is_paid, media[sessions.campaign], medium)
    inside = 6 + people.visitor_brand[sessions.visitor]
    first = place == 0
    return {
        "referrer": np.where(first, origin[session], inside[session]),
        "utm": np.where(first, sessions.campaign[session], -1),
        "medium": np.where(first, medium[session], -1),
    }
