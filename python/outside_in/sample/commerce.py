"""What customers buy: orders that follow a known law, with delivery, returns, carts, plans and points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outside_in.sample import world as w
from outside_in.sample.people import STRIDE, People
from outside_in.sample.world import SPEND_LAW, World
from outside_in.sample.writer import (
    CENT,
    DAY,
    HOUR,
    MINUTE,
    NULL,
    Bools,
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
)

ORDER, CART, SHIPMENT = "o", "cart", "sh"
ORDER_CHANNELS = ("web", "app", "store", "phone", "marketplace")
WEB, IN_APP, STORE, BY_PHONE, MARKETPLACE = range(5)
STATUSES = ("placed", "paid", "shipped", "delivered", "cancelled", "unknown")
CARRIERS = ("Swift", "Steady", "Parcelbird")
REASONS = ("defective", "damaged", "not_as_described", "wrong_item", "late", "changed_mind", "other")
# the delivery after which a customer leaves is more often a late one
LATE_IF_LAST, LATE_OTHERWISE = 0.45, 0.09


@dataclass(frozen=True)
class Orders:
    """A chunk's orders by time; `customer` and `visitor` are positions in People (-1: none), `net` is EUR."""

    number: Ints
    customer: Ints
    visitor: Ints
    locale: Ints
    at: Ints
    channel: Ints
    is_cancelled: Bools
    net: Floats
    first_product: Ints
    promised: Ints
    shipped: Ints
    delivered: Ints  # NULL: lost, or nothing to deliver
    is_late: Bools
    has_delivery: Bools
    left: Ints  # per customer: the purchase after which they never bought again; NULL for those who stay

    @property
    def is_online(self) -> Bools:
        """Whether the order came out of a visit (web or app)."""
        return (self.channel <= IN_APP) & (self.visitor >= 0)


def purchases(rng: Rng, first: Floats, horizon: float) -> tuple[Ints, Floats, Bools]:
    """Purchases by BG/NBD with the law's parameters.

    Everybody buys at their `first` (days); then at exponential intervals of an own rate from Gamma(r, alpha),
    leaving after each repeat purchase with an own probability from Beta(a, b) (Fader, Hardie and Lee 2005).

    Returns:
        Per purchase: who (position in `first`), when (days, below `horizon`), and whether they left then.
    """
    rate = np.maximum(rng.gamma(SPEND_LAW["r"], 1 / SPEND_LAW["alpha"], len(first)), 1e-9)
    leaving = rng.beta(SPEND_LAW["a"], SPEND_LAW["b"], len(first))
    alive = np.arange(len(first))
    who, when, last = [alive], [first], [np.zeros(len(first), np.bool_)]
    moment = first.copy()
    while len(alive):
        moment[alive] += rng.exponential(1 / rate[alive])
        alive = alive[moment[alive] < horizon]
        leaves = rng.random(len(alive)) < leaving[alive]
        who.append(alive)
        when.append(moment[alive])
        last.append(leaves)
        alive = alive[~leaves]
    return np.concatenate(who), np.concatenate(when), np.concatenate(last)


def draw(world: World, people: People) -> Orders:
    """The chunk's orders: the lawful ones, and beside them cancelled attempts and guests."""
    rng = world.rng(people.chunk, 3)
    buyers = np.flatnonzero(people.is_buyer)
    who, when, is_last = purchases(rng, people.first_order[buyers], float(world.days))
    customer = buyers[who]
    level = rng.gamma(SPEND_LAW["q"], 1 / SPEND_LAW["v"], people.count)
    lawful = len(customer)
    cancelled, guests = round(lawful * 0.03), round(lawful * 0.06)
    again = rng.integers(0, lawful, cancelled)
    customer = np.concatenate([customer, customer[again], np.full(guests, -1)])
    unknown = rng.integers(people.unknown.start, people.unknown.stop, len(customer))
    level_of = np.where(customer < 0, rng.gamma(SPEND_LAW["q"], 1 / SPEND_LAW["v"], len(customer)), level[customer])
    net = np.maximum(rng.gamma(SPEND_LAW["p"], 1.0, len(customer)) / level_of, 0.05)
    day = world.start // DAY + np.concatenate(
        [when.astype(np.int64), when[again].astype(np.int64), np.zeros(guests, int)]
    )
    day[-guests or len(day) :] = world.some_days(rng, guests)
    locale = np.where(customer < 0, people.visitor_locale[unknown], people.locale[customer])
    at = np.clip(
        world.clock.some_time(rng, day, locale),
        world.start + HOUR,
        world.stop - rng.integers(MINUTE, HOUR, len(day)),
    )
    order = np.argsort(at, kind="stable")
    customer, unknown, net, locale, at = (x[order] for x in (customer, unknown, net, locale, at))
    is_last = np.concatenate([is_last, np.zeros(cancelled + guests, np.bool_)])[order]
    left = np.full(people.count, NULL)
    left[customer[is_last]] = at[is_last]
    is_cancelled = np.zeros(len(at), np.bool_)
    is_cancelled[lawful : lawful + cancelled] = True
    is_cancelled = is_cancelled[order]
    channel = choose(rng, [0.62, 0.14, 0.1, 0.07, 0.07], len(at))
    brand = np.where(customer < 0, people.visitor_brand[unknown], people.brand[customer])
    is_out = (at >= world.outage[0]) & (at < world.outage[1]) & (channel == WEB) & (brand == 0)
    channel[is_out] = BY_PHONE  # the shop is down: those who must, call
    device = np.where(rng.random(len(at)) < 0.3, people.second_device[customer], customer)
    device = np.where(customer < 0, unknown, device)
    has_delivery = ~is_cancelled & (channel != STORE)
    late = has_delivery & (rng.random(len(at)) < np.where(is_last, LATE_IF_LAST, LATE_OTHERWISE))
    carrier_days = rng.uniform(0.3, 1.2, len(at))
    shipped = at + (carrier_days * DAY).astype(np.int64)
    promised = (at // DAY + rng.integers(3, 6, len(at))) * DAY + 22 * HOUR
    on_time = shipped + ((promised - shipped) * rng.uniform(0.35, 0.97, len(at))).astype(np.int64)
    too_late = promised + (rng.uniform(0.6, 6.0, len(at)) * DAY).astype(np.int64)
    delivered = np.where(late, too_late, on_time)
    is_lost = rng.random(len(at)) < 0.007
    return Orders(
        number=people.chunk * STRIDE + np.arange(len(at)),
        customer=customer,
        visitor=np.where(channel <= IN_APP, device, -1),
        locale=locale,
        at=at,
        channel=channel,
        is_cancelled=is_cancelled,
        net=np.round(net, 2),
        first_product=choose(rng, w.PRODUCT_WEIGHTS, len(at)),
        promised=np.where(has_delivery, promised, NULL),
        shipped=np.where(has_delivery, shipped, NULL),
        delivered=np.where(has_delivery & ~is_lost, delivered, NULL),
        is_late=late | (is_lost & has_delivery),
        has_delivery=has_delivery,
        left=left,
    )


@dataclass(frozen=True)
class Returns:
    """A chunk's returns; `order` is a position in Orders."""

    order: Ints
    product: Ints
    reason: Ints
    requested: Ints
    returned: Ints


def draw_returns(world: World, people: People, orders: Orders) -> Returns:
    """Who sends something back: after the delivery, and far more often the defective product."""
    rng = world.rng(people.chunk, 4)
    chance = np.where(orders.first_product == w.DEFECTIVE_PRODUCT, 0.38, 0.07)
    order = np.flatnonzero((orders.delivered != NULL) & (rng.random(len(orders.at)) < chance))
    requested = orders.delivered[order] + (rng.gamma(2, 2.5, len(order)) * DAY).astype(np.int64)
    returned = requested + (rng.uniform(1, 6, len(order)) * DAY).astype(np.int64)
    kept = returned < world.stop
    order, requested, returned = order[kept], requested[kept], returned[kept]
    product = orders.first_product[order]
    reason = choose(rng, [0.12, 0.1, 0.16, 0.1, 0.06, 0.36, 0.1], len(order))
    reason[(product == w.DEFECTIVE_PRODUCT) & (rng.random(len(order)) < 0.85)] = REASONS.index("defective")
    return Returns(order, product, reason, requested, returned)


def tables(world: World, people: People, orders: Orders, returns: Returns) -> dict[str, Frame]:
    """Orders, items, returns, shipments and their events, carts, subscriptions and loyalty."""
    rng = world.rng(people.chunk, 5)
    gross, discount, order_rows = _orders(world, rng, people, orders)
    shipments, shipment_events = _shipments(world, rng, people.chunk, orders)
    return {
        "orders": order_rows,
        "order_items": _items(rng, orders, gross),
        "returns": _returns(world, rng, orders, returns, gross - discount),
        "shipments": shipments,
        "shipment_events": shipment_events,
        "cart_events": _carts(world, rng, people, orders, gross),
        "subscription_events": _subscriptions(world, rng, people),
        "loyalty_events": _loyalty(world, rng, people, orders),
    }


def _order_ids(orders: Orders, rows: Ints) -> Ids:
    return Ids(ORDER, np.where(rows < 0, -1, orders.number[rows]))


def _orders(world: World, rng: Rng, people: People, orders: Orders) -> tuple[Ints, Ints, Frame]:
    """Gross and discount in the order's currency, and the table."""
    n = len(orders.at)
    rate = world.rate_to_eur(orders.locale, orders.at)
    net = money(orders.net / rate)
    discount = np.where(rng.random(n) < 0.15, money(orders.net / rate / 9), 0)
    gross = net + discount
    status = np.full(n, STATUSES.index("delivered"))
    status[orders.has_delivery & ~((orders.delivered != NULL) & (orders.delivered < world.stop))] = 2
    status[orders.has_delivery & (orders.shipped >= world.stop)] = 1
    status[orders.has_delivery & (orders.at > world.stop - 2 * HOUR)] = 0
    status[rng.random(n) < 0.004] = STATUSES.index("unknown")
    status[orders.is_cancelled] = STATUSES.index("cancelled")
    agent = np.where(orders.channel == BY_PHONE, world.agent_at(rng, orders.at), -1)
    has_cart = orders.is_online
    return (
        gross,
        discount,
        {
            "order_id": Ids(ORDER, orders.number),
            "customer_id": people.customer_ids(orders.customer),
            "ordered_at": orders.at,
            "channel": Words(orders.channel, ORDER_CHANNELS),
            "status": Words(status, STATUSES),
            "country": Words(orders.locale, w.COUNTRIES),
            "currency": Words(orders.locale, w.CURRENCIES),
            "gross_amount": gross,
            "discount_amount": discount,
            "tax_amount": money(net / 10_000 * 0.19),
            "shipping_amount": np.where(orders.has_delivery & (net < 500_000), 49_000, 0),
            "cost_amount": np.where(rng.random(n) < 0.05, NULL, money(net / 10_000 * rng.uniform(0.5, 0.7, n))),
            "cart_id": Ids(CART, np.where(has_cart, orders.number, -1)),
            "visitor_id": people.visitor_ids(orders.visitor),
            "agent_id": Words(agent, world.agent_ids),
        },
    )


def _items(rng: Rng, orders: Orders, gross: Ints) -> Frame:
    """One to four lines an order whose quantity x unit_price add up to its gross amount."""
    lines = choose(rng, [0.55, 0.25, 0.13, 0.07], len(orders.at)) + 1
    order = np.repeat(np.arange(len(lines)), lines)
    line = np.arange(len(order)) - np.repeat(np.cumsum(lines) - lines, lines)
    last = line == lines[order] - 1
    quantity = np.where(last, 1, choose(rng, [0.8, 0.15, 0.05], len(order)) + 1)
    price = np.where(last, 0, gross[order] // lines[order] // quantity // CENT * CENT)
    rest = gross - np.bincount(order, price * quantity, len(lines)).astype(np.int64)
    price[last] = rest[order[last]]
    product = np.where(line == 0, orders.first_product[order], choose(rng, w.PRODUCT_WEIGHTS, len(order)))
    return {
        "order_id": _order_ids(orders, order),
        "line_number": line + 1,
        "product_id": Words(product, w.PRODUCTS),
        "quantity": quantity.astype(np.float64),
        "unit_price": price,
        "unit_cost": np.where(rng.random(len(order)) < 0.04, NULL, money(price / 10_000 * 0.6)),
        "_loaded_at": orders.at[order],
    }


def _returns(world: World, rng: Rng, orders: Orders, returns: Returns, paid: Ints) -> Frame:
    n = len(returns.order)
    resolved = returns.returned + (rng.gamma(2, 2.0, n) * DAY).astype(np.int64)
    is_open = (resolved >= world.stop) | (rng.random(n) < 0.04)
    resolution = np.where(is_open, -1, choose(rng, [0.7, 0.15, 0.08, 0.07], n))
    return {
        "return_id": Ids("rt", orders.number[returns.order]),
        "order_id": _order_ids(orders, np.where(rng.random(n) < 0.02, -1, returns.order)),
        "product_id": Words(np.where(rng.random(n) < 0.03, -1, returns.product), w.PRODUCTS),
        "returned_at": returns.returned,
        "quantity": np.ones(n),
        "refund_amount": np.where(
            resolution == 0,
            money(paid[returns.order] / 10_000 * rng.uniform(0.5, 1.0, n)),
            np.where(is_open, NULL, 0),
        ),
        "reason": Words(returns.reason, REASONS),
        "requested_at": np.where(rng.random(n) < 0.1, NULL, returns.requested),
        "resolved_at": np.where(is_open, NULL, resolved),
        "resolution": Words(resolution, ("refund", "exchange", "repair", "refused")),
    }


def _shipments(world: World, rng: Rng, chunk: int, orders: Orders) -> tuple[Frame, Frame]:
    """One parcel an order, two for some, and what the carrier reports on each."""
    whole_orders = np.flatnonzero(orders.has_delivery)
    split = whole_orders[rng.random(len(whole_orders)) < 0.05]
    order = np.concatenate([whole_orders, split])
    number = orders.number[order] + np.where(np.arange(len(order)) < len(whole_orders), 0, STRIDE // 2)
    n = len(order)
    promised, shipped, delivered = orders.promised[order], orders.shipped[order], orders.delivered[order]
    carrier = np.where(orders.is_late[order], choose(rng, [0.6, 0.25, 0.15], n), choose(rng, [0.3, 0.4, 0.3], n))
    end = np.where(delivered == NULL, shipped + 20 * DAY, delivered)

    def along(share: Floats | float) -> Ints:
        found: Ints = shipped + ((end - shipped) * share).astype(np.int64)
        return found

    bad = np.flatnonzero(orders.is_late[order] & (rng.random(n) < 0.6))
    noticed = promised[bad] - rng.integers(0, 30 * HOUR, len(bad)) + np.where(rng.random(len(bad)) < 0.3, 2 * DAY, 0)
    steps = [  # every parcel has the first, most have the others
        (0, np.arange(n), orders.at[order] + 2 * HOUR),
        (1, np.flatnonzero(rng.random(n) < 0.96), shipped),
        (2, np.flatnonzero(rng.random(n) < 0.93), along(rng.uniform(0.2, 0.5, n))),
        (3, np.flatnonzero(delivered != NULL), along(0.96)),
        (4, np.flatnonzero(delivered != NULL), delivered),
        (5, bad, noticed),
    ]
    parcel = np.concatenate([rows for _, rows, _ in steps])
    kind = np.concatenate([np.full(len(rows), code) for code, rows, _ in steps])
    at = np.concatenate([times if code == 5 else times[rows] for code, rows, times in steps])
    kept = np.flatnonzero((at < world.stop) & (shipped[parcel] < world.stop))
    kept = kept[np.lexsort((at[kept], parcel[kept]))]
    told = rng.random(len(at)) < np.where(kind == 5, 0.55, 0.3)
    events: Frame = {
        "event_id": Ids("se", chunk * STRIDE + np.arange(len(kept))),
        "shipment_id": Ids(SHIPMENT, number[parcel[kept]]),
        "event_at": at[kept],
        "status": Words(
            kind[kept],
            ("label_created", "picked_up", "in_transit", "out_for_delivery", "delivered", "exception"),
        ),
        "location": Words(choose(rng, [3, 2, 2, 1], len(kept)), ("Leipzig", "Lyon", "Leeds", "Dayton")),
        "is_customer_notified": told[kept],
    }
    shipments: Frame = {
        "shipment_id": Ids(SHIPMENT, number),
        "order_id": _order_ids(orders, order),
        "carrier": Words(carrier, CARRIERS),
        "promised_at": promised,
        "shipped_at": np.where(shipped < world.stop, shipped, NULL),
        "delivered_at": np.where(delivered < world.stop, delivered, NULL),
    }
    return take(shipments, np.flatnonzero(shipped < world.stop)), events


def _carts(world: World, rng: Rng, people: People, orders: Orders, gross: Ints) -> Frame:
    """The carts behind online orders (some filled days before, on the other device), and as many given up."""
    bought = np.flatnonzero(orders.is_online & ~orders.is_cancelled)
    left = np.flatnonzero(rng.random(len(orders.at)) < 0.6)
    order = np.concatenate([bought, left])
    is_bought = np.arange(len(order)) < len(bought)
    visitor = orders.visitor[order]
    lost = rng.integers(0, people.unknown.stop, len(order))
    visitor = np.where(is_bought, visitor, lost)
    until = np.clip(orders.at[order] + rng.integers(-20 * DAY, 20 * DAY, len(order)), world.start, None)
    until = np.where(is_bought, orders.at[order], until)
    lost_customer = people.visitor_customer[lost]
    is_named = (lost_customer >= 0) & (until > people.created[lost_customer]) & (rng.random(len(order)) < 0.5)
    customer = np.where(is_bought, orders.customer[order], np.where(is_named, lost_customer, -1))
    before = np.where(
        rng.random(len(order)) < 0.14,
        rng.integers(12 * HOUR, 4 * DAY, len(order)),
        rng.integers(5 * MINUTE, 40 * MINUTE, len(order)),
    )
    device = people.visitor_device[visitor]
    depth = np.where(is_bought, 5, choose(rng, [0.5, 0.14, 0.12, 0.24], len(order)) + 1)
    # the slow payment page loses the phones
    depth = np.where(~is_bought & (device == 1) & (depth >= 2), 4, depth)
    steps = (
        ("add", ""),
        ("checkout_start", ""),
        ("checkout_step", "address"),
        ("checkout_step", "payment"),
        ("purchase", ""),
    )
    other = np.where(customer >= 0, people.second_device[customer], visitor)
    blocks = []
    for place, (kind, step) in enumerate(steps):
        rows = np.flatnonzero(depth > place)
        at = until[rows] - (before[rows] if place == 0 else (4 - place) * 80 * 1_000_000)
        who = np.where((place == 0) & (before[rows] > 12 * HOUR), other[rows], visitor[rows])
        blocks.append(_cart_block(people, orders, rows, order, is_bought, at, who, customer, kind, step, gross))
    removed = np.flatnonzero(rng.random(len(order)) < 0.1)
    blocks.append(
        _cart_block(
            people, orders, removed, order, is_bought, until[removed] - before[removed] + MINUTE,
            visitor[removed], customer, "remove", "", gross,
        )
    )  # fmt: skip
    frame = stack(blocks)
    at = np.asarray(frame["event_at"])
    frame = take(frame, np.argsort(at, kind="stable"))
    at = np.asarray(frame["event_at"])
    frame["event_id"] = Ids("ce", people.chunk * STRIDE + np.arange(len(at)))
    return take(frame, (at >= world.start) & (at < world.stop))


def _cart_block(
    people: People, orders: Orders, rows: Ints, order: Ints, is_bought: Bools, at: Ints, visitor: Ints,
    customer: Ints, kind: str, step: str, gross: Ints,
) -> Frame:  # fmt: skip
    n = len(rows)
    number = orders.number[order[rows]] + np.where(is_bought[rows], 0, STRIDE // 2)
    return {
        "event_id": Ids("ce", np.zeros(n, np.int64)),
        "cart_id": Ids(CART, number),
        "visitor_id": people.visitor_ids(visitor),
        "customer_id": people.customer_ids(customer[rows]),
        "event_at": at,
        "event_type": Words(np.zeros(n, np.int64), (kind,)),
        "checkout_step": Words(np.full(n, 0 if step else -1), (step,)),
        "channel": Words(np.where(orders.channel[order[rows]] == IN_APP, 1, 0), ("web", "app")),
        "device_type": Words(people.visitor_device[visitor], w.DEVICES),
        "country": Words(people.visitor_locale[visitor], w.COUNTRIES),
        "cart_amount": gross[order[rows]],
        "currency": Words(orders.locale[order[rows]], w.CURRENCIES),
    }


def _subscriptions(world: World, rng: Rng, people: People) -> Frame:
    """A fifth of the customers have a plan: started, renewed every month, changed, paused, mostly kept."""
    who = np.flatnonzero((rng.random(people.count) < 0.2) & (people.first_order < world.days - 3))
    begin = world.start + ((people.first_order[who] + rng.exponential(10, len(who))) * DAY).astype(np.int64)
    fee = np.array([4.99, 9.99, 19.99])[choose(rng, [0.5, 0.35, 0.15], len(who))]
    months = np.minimum(rng.geometric(0.045, len(who)), 60)  # months until they cancel
    fate = rng.random(len(who))
    blocks: list[tuple[Ints, Ints, str, Floats, int]] = [(np.arange(len(who)), begin, "start", fee, -1)]
    for month in range(1, world.days // 30 + 2):
        at = begin + month * 30 * DAY
        gone = months == month
        blocks.append((np.flatnonzero(gone), at, "cancel", fee * 0, 0))
        stays = months > month
        changes = stays & (month == 4) & (fate < 0.16)
        fee = np.where(changes, np.where(fate < 0.11, fee * 1.5, fee * 0.6), fee).round(2)
        blocks.append((np.flatnonzero(changes), at - 3 * DAY, "change", fee, 1))
        pauses = stays & (fate > 0.93)
        if month == 3:
            blocks.append((np.flatnonzero(pauses), at, "pause", fee * 0, 2))
        if month == 5:
            blocks.append((np.flatnonzero(pauses), at, "resume", fee, -1))
        active = stays & ~(pauses & (month in (3, 4, 5)))
        blocks.append((np.flatnonzero(active), at, "renew", fee, -1))
    frames: list[Frame] = [
        {
            "subscription_id": Ids("sub", people.number[who[rows]]),
            "customer_id": people.customer_ids(who[rows]),
            "product_id": Words(np.full(len(rows), 23), w.PRODUCTS),
            "event_at": at[rows],
            "event_type": Words(np.zeros(len(rows), np.int64), (kind,)),
            "mrr_amount": money(amount[rows]),
            "currency": Words(people.locale[who[rows]], w.CURRENCIES),
            "reason": Words(np.full(len(rows), reason), ("too_expensive", "plan_change", "holiday")),
        }
        for rows, at, kind, amount, reason in blocks
    ]
    frame = stack(frames)
    at = np.asarray(frame["event_at"])
    frame = take(frame, np.flatnonzero(at < world.stop))
    return {"event_id": Ids("su", people.chunk * STRIDE + np.arange((at < world.stop).sum())), **frame}


def _loyalty(world: World, rng: Rng, people: People, orders: Orders) -> Frame:
    """Points: earned with every order of a member, redeemed by some, expired for others."""
    is_member = people.is_buyer & (rng.random(people.count) < 0.45)
    members = np.flatnonzero(is_member)
    enrolled = (
        world.start + (people.first_order[members] * DAY).astype(np.int64) + rng.integers(HOUR, 20 * DAY, len(members))
    )
    when = np.full(people.count, world.stop)
    when[members] = enrolled
    earning = np.flatnonzero((orders.customer >= 0) & ~orders.is_cancelled)
    earning = earning[orders.at[earning] > when[orders.customer[earning]]]
    points = np.floor(orders.net[earning])
    spends = np.flatnonzero(rng.random(len(earning)) < 0.3)
    lapses = np.flatnonzero(rng.random(len(earning)) < 0.12)
    fixes = np.flatnonzero(rng.random(len(earning)) < 0.02)
    leaves = members[rng.random(len(members)) < 0.05]
    nothing = np.full(len(members), np.nan)

    def block(kind: str, who: Ints, at: Ints, amount: Floats, order: Ints | None = None, expires: int = 0) -> Frame:
        n = len(who)
        bonus = rng.random(n) < 0.15
        reward = choose(rng, [0.5, 0.3, 0.2], n) if kind == "redeem" else np.full(n, -1)
        return {
            "customer_id": people.customer_ids(who),
            "program_id": Words(people.brand[who], ("alder-club", "birch-club")),
            "event_at": at,
            "event_type": Words(np.zeros(n, np.int64), (kind,)),
            "points": amount,
            "points_type": Words(np.where(np.isnan(amount), -1, bonus), ("base", "bonus")),
            "reward_id": Words(reward, ("rw-1", "rw-2", "rw-3")),
            "reward_type": Words(reward, ("voucher", "gift", "donation")),
            "order_id": _order_ids(orders, np.full(n, -1) if order is None else order),
            "expires_at": at + expires * DAY if expires else np.full(n, NULL),
        }

    owner = orders.customer[earning]
    frame = stack(
        [
            block("enroll", members, enrolled, nothing),
            block("earn", owner, orders.at[earning] + HOUR, points, earning, 365),
            block("redeem", owner[spends], orders.at[earning[spends]] + 9 * DAY, np.floor(points[spends] * 0.8)),
            block(
                "expire",
                owner[lapses],
                orders.at[earning[lapses]] + 120 * DAY,
                np.floor(points[lapses] * 0.5),
            ),
            block(
                "adjust",
                owner[fixes],
                orders.at[earning[fixes]] + 3 * DAY,
                np.where(fixes % 2 == 0, 50.0, -20.0),
            ),
            block("leave", leaves, when[leaves] + 100 * DAY, nothing[: len(leaves)]),
        ]
    )
    at = np.asarray(frame["event_at"])
    frame = take(frame, np.argsort(at, kind="stable"))
    frame = take(frame, np.asarray(frame["event_at"]) < world.stop)
    return {"event_id": Ids("le", people.chunk * STRIDE + np.arange((at < world.stop).sum())), **frame}


def late_before(orders: Orders, customer: Ints, moment: Ints, within: int) -> Bools:
    """Whether each customer waited for a late delivery in the `within` microseconds before the moment."""
    late = np.flatnonzero(orders.is_late & (orders.customer >= 0) & orders.has_delivery)
    return happened_before(orders.customer[late], orders.promised[late] + DAY, customer, moment, within)


def happened_before(who: Ints, when: Ints, customer: Ints, moment: Ints, within: int) -> Bools:
    """Whether one of the events (who, when) of the same customer lies in [moment - within, moment]."""
    if not len(who):
        return np.zeros(len(customer), np.bool_)
    span = 1 << 52  # more than any moment in microseconds up to 2100
    keys = np.sort(who * span + when)
    place = np.searchsorted(keys, customer * span + moment, side="right") - 1
    last = keys[np.maximum(place, 0)]
    is_near = (last // span == customer) & (moment - last % span <= within)
    found: Bools = is_near & (place >= 0) & (customer >= 0)
    return found
