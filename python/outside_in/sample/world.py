"""What is there before any customer comes: places, topics, pages, products, campaigns, staff, the plan.

What is planted on purpose is written down here; the other modules read it and act on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from outside_in.sample.writer import DAY, HOUR, MINUTE, Bools, Floats, Ints, Rng

EPOCH = date(1970, 1, 1)


class Locale(NamedTuple):
    """Where a person lives, with the share of people there."""

    country: str
    language: str
    zone: str
    currency: str
    share: float


LOCALES = (
    Locale("DE", "de-DE", "Europe/Berlin", "EUR", 0.33),
    Locale("DE", "en-GB", "Europe/Berlin", "EUR", 0.03),
    Locale("AT", "de-AT", "Europe/Vienna", "EUR", 0.09),
    Locale("FR", "fr-FR", "Europe/Paris", "EUR", 0.11),
    Locale("NL", "nl-NL", "Europe/Amsterdam", "EUR", 0.06),
    Locale("CH", "de-CH", "Europe/Zurich", "CHF", 0.05),
    Locale("CH", "fr-CH", "Europe/Zurich", "CHF", 0.02),
    Locale("GB", "en-GB", "Europe/London", "GBP", 0.11),
    Locale("US", "en-US", "America/New_York", "USD", 0.10),
    Locale("US", "en-US", "America/Chicago", "USD", 0.05),
    Locale("US", "en-US", "America/Los_Angeles", "USD", 0.04),
    Locale("US", "es-US", "America/New_York", "USD", 0.01),
)
HOME_ZONE = 0  # Europe/Berlin, where the service centre keeps its hours
COUNTRIES = tuple(place.country for place in LOCALES)
LANGUAGES = tuple(place.language for place in LOCALES)
ZONES = tuple(place.zone for place in LOCALES)
CURRENCIES = tuple(place.currency for place in LOCALES)
ARTICLE_LANGUAGES = ("en", "de", "fr")
ARTICLE_LANGUAGE_OF = np.array([ARTICLE_LANGUAGES.index(x[:2]) if x[:2] in ARTICLE_LANGUAGES else 0 for x in LANGUAGES])
FOREIGN_CURRENCIES = {"USD": 0.92, "GBP": 1.17, "CHF": 1.04}  # to EUR, where the random walk starts

BRANDS = ("Alder", "Birch")
SITES = ("alder.example", "birch.example")
SEGMENTS = ("consumer", "small_business", "enterprise")
ACQUISITION_CHANNELS = ("organic", "paid_search", "social", "referral", "email", "store")
DEVICES = ("desktop", "mobile", "tablet", "unknown")
CHANNELS = ("phone", "chat", "email", "messaging", "social", "web_form", "forum", "app")
PHONE, CHAT, EMAIL, MESSAGING, SOCIAL, WEB_FORM, FORUM, APP = range(8)

TOPICS = (
    "delivery",
    "returns",
    "billing",
    "login",
    "setup",
    "warranty",
    "account",
    "stock",
    "pricing",
    "website",
)
DELIVERY, RETURNS, BILLING, LOGIN, SETUP, WARRANTY, ACCOUNT, STOCK, PRICING, WEBSITE = range(10)
DETRACTOR_TOPIC = BILLING  # the topic that makes detractors
GAP_TOPIC = PRICING  # asked about, and no article covers it
ISSUE_WEIGHTS = (0.05, 0.03, 0.15, 0.24, 0.17, 0.09, 0.12, 0.08, 0.06, 0.01)  # of issues out of the blue

CATEGORIES = ("lamps", "chairs", "desks", "shelves", "audio", "accessories")
PRODUCT_COUNT = 24
PRODUCTS = tuple(f"p{number:03d}" for number in range(1, PRODUCT_COUNT + 1))
PRODUCT_CATEGORY = np.arange(PRODUCT_COUNT) % len(CATEGORIES)
PRODUCT_BRAND = np.arange(PRODUCT_COUNT) // 2 % len(BRANDS)
PRODUCT_WEIGHTS = 1.0 / np.arange(2, PRODUCT_COUNT + 2)
DEFECTIVE_PRODUCT = 6  # comes back far more often than the rest


class Article(NamedTuple):
    """A help article; `language` and `topic` are positions in their vocabularies."""

    title: str
    path: str
    topic: int
    language: int


def _articles() -> tuple[Article, ...]:
    titles = ("How to solve a {} problem", "{}: questions and answers")
    found = []
    for topic, name in enumerate(TOPICS):
        if topic == GAP_TOPIC:
            continue
        for language, tag in enumerate(ARTICLE_LANGUAGES):
            for kind, title in enumerate(titles):
                if kind == 0 or language == 0:
                    slug = f"{name}-{('how-to', 'faq')[kind]}"
                    found.append(Article(title.format(name), f"/help/{tag}/{slug}", topic, language))
    return tuple(found)


ARTICLES = _articles()
ARTICLE_IDS = tuple(f"art-{number:03d}" for number in range(1, len(ARTICLES) + 1))
ARTICLE_TOPIC = np.array([article.topic for article in ARTICLES])
BAD_ARTICLE = next(i for i, a in enumerate(ARTICLES) if a.topic == LOGIN and a.language == 0)
ARCHIVED_ARTICLE = next(i for i, a in enumerate(ARTICLES) if a.topic == STOCK and a.path.endswith("faq"))
# [topic, language] -> the article a reader of that language finds; the gap topic lands on account help
ARTICLE_FOR = np.array(
    [
        [
            next(
                i
                for i, a in enumerate(ARTICLES)
                if a.topic == (ACCOUNT if topic == GAP_TOPIC else topic) and a.language == language
            )
            for language in range(len(ARTICLE_LANGUAGES))
        ]
        for topic in range(len(TOPICS))
    ]
)


class Page(NamedTuple):
    """A page of a site; `category`, `product` and `article` are -1 where it is about none."""

    path: str
    kind: str
    product: int = -1
    article: int = -1


PAGES = (
    Page("/", "home"),
    Page("/help", "support_home"),
    Page("/help/search", "support_search"),
    Page("/contact", "contact"),
    Page("/cart", "cart"),
    Page("/checkout/address", "checkout"),
    Page("/checkout/payment", "checkout"),
    Page("/checkout/done", "checkout"),
    Page("/account", "account"),
    Page("/account/orders", "tracking"),
    Page("/about", "other"),
    *(Page(f"/c/{name}", "category") for name in CATEGORIES),
    *(Page(f"/p/{name}", "product", product=number) for number, name in enumerate(PRODUCTS)),
    *(Page(article.path, "support_article", article=number) for number, article in enumerate(ARTICLES)),
)
HOME, HELP, SEARCH, CONTACT, CART, ADDRESS, PAYMENT, DONE, MY_ACCOUNT, TRACKING, ABOUT = range(11)
FIRST_CATEGORY = 11
FIRST_PRODUCT = FIRST_CATEGORY + len(CATEGORIES)
FIRST_ARTICLE = FIRST_PRODUCT + PRODUCT_COUNT
SLOW_PAGE = PAYMENT  # on mobile
PAGE_KINDS = tuple(dict.fromkeys(page.kind for page in PAGES))

# typed into the site search: term, topic, results
SEARCHES = (
    ("where is my order", DELIVERY, 14),
    ("delivery time", DELIVERY, 9),
    ("return label", RETURNS, 7),
    ("invoice", BILLING, 5),
    ("charged twice", BILLING, 1),
    ("reset password", LOGIN, 4),
    ("login code not received", LOGIN, 2),
    ("assembly manual", SETUP, 11),
    ("warranty", WARRANTY, 6),
    ("change address", ACCOUNT, 8),
    ("back in stock", STOCK, 3),
    ("price match", PRICING, 0),
    ("student discount", PRICING, 0),
    ("site down", WEBSITE, 2),
)


class Campaign(NamedTuple):
    """A campaign; `cost` is EUR per click (0: known by the day only), `weight` its share of the clicks."""

    name: str
    channel: str
    source: str
    medium: str
    landing: str
    cost: float
    weight: float


CAMPAIGNS = (
    Campaign("brand search", "search", "google", "cpc", "home", 0.35, 0.24),
    Campaign("product search", "search", "bing", "cpc", "product", 0.62, 0.18),
    Campaign("spring social", "social", "instagram", "paid_social", "category", 0.41, 0.14),
    Campaign("retargeting", "display", "adnet", "display", "product", 0.28, 0.10),
    Campaign("cheap reach", "display", "clickfarm", "display", "home", 0.19, 0.0),
    Campaign("newsletter", "email", "newsletter", "email", "category", 0.0, 0.22),
    Campaign("affiliates", "affiliate", "partners", "affiliate", "product", 0.0, 0.12),
)
WORTHLESS_CAMPAIGN = 4  # its clicks come from visitors of its own, who leave at once and never buy
NEWSLETTER = 5
CAMPAIGN_IDS = tuple(f"cmp-{number:02d}" for number in range(1, len(CAMPAIGNS) + 1))

TEAMS = ("Frontline EU", "Frontline US", "Billing", "Technical", "Bots")
# first local hour of a shift of eight, and first of five working weekdays, in the service centre's zone
SHIFTS = ((8, 0), (12, 0), (8, 1), (16, 0), (11, 1), (18, 0))

# BG/NBD in days and Gamma-Gamma in EUR: the customers' own, never scaled
SPEND_LAW = {"r": 0.65, "alpha": 48.0, "a": 0.9, "b": 3.4, "p": 6.0, "q": 4.0, "v": 30.0}

# share of local activity per hour of the day, and per weekday from Monday
_HOURS = np.array(
    [
        0.9, 0.5, 0.3, 0.2, 0.2, 0.4, 1.0, 2.2, 3.8, 5.0, 5.8, 6.0,
        5.8, 5.6, 5.6, 5.6, 5.8, 6.2, 6.8, 7.4, 7.6, 6.6, 4.4, 2.2,
    ]
)  # fmt: skip
_HOUR_EDGES = np.concatenate([[0.0], np.cumsum(_HOURS) / _HOURS.sum()])
_WEEKDAYS = np.array([1.1, 1.05, 1.0, 1.0, 0.95, 0.9, 1.0])


class Clock:
    """Local wall time and UTC for every zone of `ZONES`, by tables of offsets per hour."""

    def __init__(self, first: date, last: date) -> None:
        """Cover whole days from `first` to `last`, with a margin of weeks before and months after."""
        self._origin = microseconds(first) - 60 * DAY
        days = (last - first).days + 300
        tables = {zone: _offsets(ZoneInfo(zone), self._origin, days) for zone in ZONES}
        self._by_utc, self._by_local = (np.array([tables[zone][way] for zone in ZONES]) for way in (0, 1))

    def to_utc(self, local: Ints, zone: Ints | int) -> Ints:
        """UTC of a wall time; of the two in a repeated hour the first."""
        found: Ints = local - self._by_local[zone, (local - self._origin) // HOUR]
        return found

    def to_local(self, moment: Ints, zone: Ints | int) -> Ints:
        """Wall time of a moment."""
        found: Ints = moment + self._by_utc[zone, (moment - self._origin) // HOUR]
        return found

    def some_time(self, rng: Rng, day: Ints, zone: Ints) -> Ints:
        """A moment (UTC) of the local day (days since 1970) at which people there are up and about."""
        of_day = np.interp(rng.random(len(day)), _HOUR_EDGES, np.arange(25)) * HOUR
        return self.to_utc(day * DAY + of_day.astype(np.int64), zone)


def _offsets(zone: ZoneInfo, origin: int, days: int) -> tuple[Ints, Ints]:
    """The zone's offset from UTC in every hour since `origin`, of UTC and of the wall clock."""
    start = datetime(1970, 1, 1) + timedelta(microseconds=origin)
    tables = []
    for is_local in (False, True):

        def offset(hour: int, is_local: bool = is_local) -> int:
            wall = start + timedelta(hours=hour)
            moment = wall.replace(tzinfo=zone) if is_local else wall.replace(tzinfo=UTC).astimezone(zone)
            return int((moment.utcoffset() or timedelta()).total_seconds()) * 1_000_000

        table = np.repeat([offset(24 * day) for day in range(days)], 24)
        for day in np.flatnonzero(table[:-24:24] != table[24::24]):  # the days with a change in them
            table[24 * day : 24 * day + 24] = [offset(24 * int(day) + hour) for hour in range(24)]
        tables.append(table)
    return tables[0], tables[1]


def microseconds(day: date) -> int:
    """Midnight UTC of the day, in microseconds since 1970."""
    return (day - EPOCH).days * DAY


def iso(moment: int) -> str:
    """A moment as ISO text in UTC, without offset."""
    return datetime.fromtimestamp(moment / 1_000_000, UTC).replace(tzinfo=None).isoformat(sep=" ")


@dataclass(frozen=True)
class World:
    """One run's arguments and everything that follows from them before the first customer is drawn.

    Times are microseconds since 1970 in UTC; the period is [`start`, `stop`).
    """

    seed: int
    customers: int
    days: int
    scale: float
    first_day: date
    last_day: date
    start: int
    stop: int
    clock: Clock
    agent_team: Ints
    agent_shift: Ints
    on_shift: Ints  # [hour of the week in the home zone, k] -> agent; repeated to fill
    is_staffed: Bools  # per hour of the week
    hours_to_staff: Floats  # from the start of each hour of the week until somebody is there
    rate: Floats  # [currency of FOREIGN_CURRENCIES, day since first_day - 10]; EUR for one
    outage: tuple[int, int]
    broken_from: int
    dst_nights: tuple[int, ...]

    @property
    def agent_ids(self) -> tuple[str, ...]:
        """Every agent's id; the bots are the last two."""
        return tuple(f"ag-{number:03d}" for number in range(1, len(self.agent_team) + 1))

    @property
    def chat_bot(self) -> int:
        """The bot that answers chats; the other bot sends automatic replies."""
        return len(self.agent_team) - 2

    def rng(self, *where: int) -> Rng:
        """A generator for one purpose (chunk, module), independent of all others."""
        return np.random.default_rng([self.seed, *where])

    def some_days(self, rng: Rng, count: int) -> Ints:
        """Days of the period (since 1970), with the week's rhythm."""
        first = self.start // DAY
        weekday = (first + np.arange(self.days) + 3) % 7
        edges = np.cumsum(_WEEKDAYS[weekday])
        found: Ints = first + np.searchsorted(edges, rng.random(count) * edges[-1], side="right").astype(np.int64)
        return found

    def week_hour(self, moment: Ints) -> Ints:
        """Hour of the week (0 = Monday 00:00) in the service centre's zone."""
        local = self.clock.to_local(moment, HOME_ZONE)
        return (local // HOUR + 72) % 168

    def agent_at(self, rng: Rng, moment: Ints) -> Ints:
        """An agent on shift at each moment; outside every shift, anyone."""
        column = rng.integers(0, self.on_shift.shape[1], len(moment))
        return self.on_shift[self.week_hour(moment), column]

    def when_staffed(self, rng: Rng, moment: Ints) -> Ints:
        """The moment itself, or within half an hour after the next shift's start."""
        wait = self.hours_to_staff[self.week_hour(moment)]
        opening = moment // HOUR * HOUR + (wait * HOUR).astype(np.int64) + rng.integers(0, 30 * MINUTE, len(moment))
        return np.where(wait > 0, opening, moment)

    def rate_to_eur(self, locale: Ints, moment: Ints) -> Floats:
        """EUR for one unit of the locale's currency, at the last known rate on the moment's UTC day."""
        names = list(FOREIGN_CURRENCIES)
        table = np.vstack([np.ones(self.rate.shape[1]), self.rate])
        row = np.array([names.index(name) + 1 if name in names else 0 for name in CURRENCIES])
        day = np.clip(moment // DAY - self.start // DAY + 10, 0, self.rate.shape[1] - 1)
        found: Floats = table[row[locale], day]
        return found


def build(*, customers: int, days: int, scale: float, seed: int, end: date) -> World:
    """The world of these arguments.

    Raises:
        ValueError: a size that cannot be: no customer, fewer than 7 days, or a scale that is not above 0.
    """
    if customers < 1 or days < 7 or not scale > 0:
        raise ValueError(f"need customers >= 1, days >= 7 and scale > 0; got {customers}, {days} and {scale}")
    first = end - timedelta(days=days - 1)
    rng = np.random.default_rng([seed, 1_000_000])
    people = min(400, 8 + customers // 1000)
    team = np.concatenate([np.arange(people) % 4, [4, 4]])
    shift = np.concatenate([np.arange(people) % len(SHIFTS), [0, 0]])
    teams_on = [
        [a for a in range(people) if _is_on_shift(SHIFTS[shift[a]], hour // 24, hour % 24)] for hour in range(168)
    ]
    width = max(map(len, teams_on))
    on_shift = np.array([(on * width)[:width] if on else list(range(width)) for on in teams_on])
    is_staffed = np.array([bool(on) for on in teams_on])
    to_staff = np.array([next(k for k in range(168) if is_staffed[(h + k) % 168]) for h in range(168)], np.float64)
    steps = rng.normal(0, 0.003, (len(FOREIGN_CURRENCIES), days + 10))
    weekday = np.array([(first - timedelta(days=10) + timedelta(days=k)).weekday() for k in range(days + 10)])
    steps[:, weekday >= 5] = 0  # no rate over the weekend: Friday's stands
    rate = np.array(list(FOREIGN_CURRENCIES.values()))[:, None] * np.exp(np.cumsum(steps, axis=1))
    start = microseconds(first)
    outage_day = start + int(days * 0.6) * DAY
    while (outage_day // DAY + 3) % 7 > 4:
        outage_day -= DAY
    return World(
        seed=seed,
        customers=customers,
        days=days,
        scale=scale,
        first_day=first,
        last_day=end,
        start=start,
        stop=start + days * DAY,
        clock=Clock(first, end),
        agent_team=team,
        agent_shift=shift,
        on_shift=on_shift,
        is_staffed=is_staffed,
        hours_to_staff=to_staff,
        rate=np.round(rate, 5),
        outage=(outage_day + 13 * HOUR + 5 * MINUTE, outage_day + 16 * HOUR + 35 * MINUTE),
        broken_from=start + int(days * 0.3) * DAY,
        dst_nights=tuple(
            microseconds(day)
            for day in (first + timedelta(days=k) for k in range(days))
            if day.month in (3, 10) and day.weekday() == 6 and day.day > 24
        ),
    )


def _is_on_shift(shift: tuple[int, int], weekday: int, hour: int) -> bool:
    """Whether a shift of eight hours, possibly over midnight, covers this hour of this weekday."""
    first_hour, first_day = shift
    for begins, clock in ((weekday, hour), ((weekday - 1) % 7, hour + 24)):
        if (begins - first_day) % 7 < 5 and first_hour <= clock < first_hour + 8:
            return True
    return False
