"""Customers and visitors of one chunk: who they are, what they are known by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outside_in.sample import world as w
from outside_in.sample.world import World
from outside_in.sample.writer import DAY, HOUR, NULL, Bools, Floats, Frame, Ids, Ints, Rng, Words, choose

STRIDE = 10_000_000  # numbers of one chunk's rows start here times the chunk
CUSTOMER = "c"
VISITORS = 1 << 50  # keeps the numbers behind hashed visitor ids apart from those behind hashed addresses


@dataclass(frozen=True)
class People:
    """One chunk's people; customers are positions 0..n-1 here and `number` in the files, visitors likewise.

    Visitors come in this order: each customer's first device, second devices, unknown people, visitors of the
    worthless campaign, bots.
    """

    chunk: int
    number: Ints
    locale: Ints
    brand: Ints
    segment: Ints
    acquisition: Ints
    channel: Ints  # the contact channel they prefer
    first_order: Floats  # days since the start; customers who never buy have it too
    is_buyer: Bools
    created: Ints
    has_consent: Bools
    deleted: Ints
    mood: Floats  # what they would answer whatever happens, standard normal
    visitor_number: Ints
    visitor_customer: Ints
    visitor_locale: Ints
    visitor_brand: Ints
    visitor_device: Ints
    second_device: Ints  # per customer: the visitor of the second device, else of the first
    unknown: slice
    worthless: slice
    bots: slice

    @property
    def count(self) -> int:
        """Number of customers."""
        return len(self.number)

    def customer_ids(self, customer: Ints) -> Ids:
        """Their ids; null for -1."""
        return Ids(CUSTOMER, np.where(customer < 0, -1, self.number[customer]))

    def visitor_ids(self, visitor: Ints) -> Ids:
        """Their ids; null for -1."""
        return Ids("", np.where(visitor < 0, -1, VISITORS + self.visitor_number[visitor]), is_hashed=True)

    def addresses(self, customer: Ints, is_phone: Bools) -> Ids:
        """The hashed phone or e-mail address of each; null for -1."""
        return Ids("", np.where(customer < 0, -1, self.number[customer] * 8 + is_phone), is_hashed=True)


def draw(world: World, chunk: int, first: int, count: int) -> People:
    """The customers `first` to `first + count` and the visitors around them."""
    rng = world.rng(chunk, 1)
    locale = choose(rng, [place.share for place in w.LOCALES], count)
    first_order = rng.random(count) ** 1.4 * world.days
    created = world.start + (first_order * DAY).astype(np.int64) - (rng.exponential(4 * DAY, count)).astype(np.int64)
    created = np.where(
        rng.random(count) < 0.6, created // DAY * DAY + rng.integers(7 * HOUR, 22 * HOUR, count), created
    )
    created = np.minimum(created, world.start + (first_order * DAY).astype(np.int64) - HOUR)
    has_second = np.flatnonzero(rng.random(count) < 0.45)
    known = count + len(has_second)
    unknown, worthless, bots = int(known * 0.44) + 1, int(known * 0.06) + 2, count // 200 + 1
    visitors = known + unknown + worthless + bots
    customer = np.full(visitors, -1)
    customer[:known] = np.concatenate([np.arange(count), has_second])
    brand = choose(rng, [0.6, 0.4], count)
    second_device = np.arange(count)
    second_device[has_second] = np.arange(count, known)
    visitor_locale = choose(rng, [place.share for place in w.LOCALES], visitors)
    visitor_brand = choose(rng, [0.6, 0.4], visitors)
    visitor_locale[:known], visitor_brand[:known] = locale[customer[:known]], brand[customer[:known]]
    return People(
        chunk=chunk,
        number=np.arange(first, first + count),
        locale=locale,
        brand=brand,
        segment=choose(rng, [0.8, 0.16, 0.04], count),
        acquisition=choose(rng, [0.34, 0.24, 0.16, 0.1, 0.1, 0.06], count),
        channel=choose(rng, [0.38, 0.17, 0.17, 0.07, 0.04, 0.09, 0.03, 0.05], count),
        first_order=first_order,
        is_buyer=rng.random(count) < 0.88,
        created=created,
        has_consent=rng.random(count) < 0.92,
        deleted=_deletions(rng, world, created),
        mood=rng.normal(0, 1, count),
        visitor_number=chunk * STRIDE + np.arange(visitors),
        visitor_customer=customer,
        visitor_locale=visitor_locale,
        visitor_brand=visitor_brand,
        visitor_device=choose(rng, [0.42, 0.5, 0.07, 0.01], visitors),
        second_device=second_device,
        unknown=slice(known, known + unknown),
        worthless=slice(known + unknown, visitors - bots),
        bots=slice(visitors - bots, visitors),
    )


def tables(world: World, people: People) -> dict[str, Frame]:
    """`customers` and `customer_identities`."""
    return {"customers": _customers(people), "customer_identities": _identities(world, people)}


def _deletions(rng: Rng, world: World, created: Ints) -> Ints:
    """When the few who ask for it are erased: some time before the end."""
    asked = (rng.random(len(created)) < 0.006) & (created < world.stop - 10 * DAY)
    left = np.maximum(world.stop - np.maximum(created, world.start), DAY)
    moment = world.stop - (rng.random(len(created)) * 0.5 * left).astype(np.int64) - HOUR
    return np.where(asked, moment, NULL)


def _customers(people: People) -> Frame:
    return {
        "customer_id": Ids(CUSTOMER, people.number),
        "created_at": people.created,
        "country": Words(people.locale, w.COUNTRIES),
        "language": Words(people.locale, w.LANGUAGES),
        "timezone": Words(people.locale, w.ZONES),
        "segment": Words(people.segment, w.SEGMENTS),
        "acquisition_channel": Words(people.acquisition, w.ACQUISITION_CHANNELS),
        "analytics_consent": people.has_consent,
        "deleted_at": people.deleted,
    }


def _identities(world: World, people: People) -> Frame:
    rng = world.rng(people.chunk, 2)
    known = people.visitor_customer[: people.unknown.start]
    n = people.count
    linked = np.minimum(people.created + rng.integers(0, 2 * DAY, n), world.stop - HOUR)
    is_gone = (rng.random(len(known)) < 0.06) & (np.arange(len(known)) >= n)  # some second devices
    unlinked = np.minimum(linked[known] + rng.integers(30 * DAY, 90 * DAY, len(known)), world.stop - 1)
    shared = np.flatnonzero(rng.random(n) < 0.015)  # the next customer signs in on this one's device, later
    borrowed = np.minimum(linked[shared] + rng.integers(10 * DAY, 60 * DAY, len(shared)), world.stop - 1)
    devices = np.concatenate([np.arange(len(known)), shared])
    owners = np.concatenate([known, (shared + 1) % n])
    kinds, customers = [np.zeros(len(devices), np.int64)], [owners]
    values = [people.visitor_ids(devices).numbers]
    times = [np.concatenate([linked[known], borrowed])]
    for kind, share in _SHARES.items():
        who = np.flatnonzero(rng.random(n) < share)
        kinds.append(np.full(len(who), _KINDS.index(kind)))
        customers.append(who)
        values.append(people.number[who] * 8 + len(kinds) - 2)
        times.append(np.full(len(who), NULL) if kind == "contact_address" else linked[who])
    rows = sum(map(len, kinds))
    ended = np.full(rows, NULL)
    ended[: len(known)] = np.where(is_gone, unlinked, NULL)
    return {
        "identity_type": Words(np.concatenate(kinds), _KINDS),
        "identity_value": Ids("", np.concatenate(values), is_hashed=True),
        "customer_id": people.customer_ids(np.concatenate(customers)),
        "linked_at": np.concatenate(times),
        "unlinked_at": ended,
    }


_KINDS = ("visitor_id", "email", "phone", "device_id", "loyalty_id", "social_handle", "contact_address")
# share of customers known by each; the first two are what `addresses` gives
_SHARES = {
    "email": 1.0,
    "phone": 0.7,
    "device_id": 0.2,
    "loyalty_id": 0.4,
    "social_handle": 0.05,
    "contact_address": 0.1,
}
