"""What is true of a sample and cannot be read off it: the plan, the laws, the damage; and the text files."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from outside_in.sample import commerce, company, marketing, support, web
from outside_in.sample import world as w
from outside_in.sample.commerce import Orders
from outside_in.sample.people import People
from outside_in.sample.support import Contacts
from outside_in.sample.web import Sessions
from outside_in.sample.world import World, iso
from outside_in.sample.writer import DAY, HOUR

CSV_FILES = ("late_export.csv", "legacy.csv")
_EXAMPLES = 20


@dataclass(frozen=True)
class Facts:
    """What one chunk knows about its customers, as numbers to be added up and a few examples."""

    counts: Counter[str]
    night_tickets: dict[str, list[str]]
    late_orders: list[str]


def observe(world: World, people: People, orders: Orders, contacts: Contacts, sessions: Sessions) -> Facts:
    """The facts of a chunk, before any damage."""
    late = np.flatnonzero(orders.is_late & (orders.customer >= 0))
    bad = (sessions.article == w.BAD_ARTICLE) & (sessions.at >= world.broken_from)
    worthless = sessions.campaign == w.WORTHLESS_CAMPAIGN
    known = np.unique(sessions.visitor)
    is_known = people.visitor_customer[known] >= 0
    nights = {}
    for night in world.dst_nights:
        during = (contacts.at >= night - 2 * HOUR) & (contacts.at < night + 4 * HOUR)
        nights[iso(night)[:10]] = [f"i{n:012d}" for n in contacts.number[during & contacts.has_interaction]]
    return Facts(
        counts=Counter(
            {
                "visitors": len(known),
                "visitors_identified": int(is_known.sum()),
                "buyers": int(people.is_buyer.sum()),
                "late_orders": len(late),
                "contacts": contacts.count,
                "contacts_after_bad_article": int(contacts.after_bad_article.sum()),
                "contacts_about_outage": int((contacts.topic == w.WEBSITE).sum()),
                "sessions": len(sessions.at),
                "sessions_that_met_the_outage": int(web.meets_outage(world, people, sessions).sum()),
                "sessions_with_bad_article": int(bad.sum()),
                "worthless_clicks": int((worthless & (marketing.click_times(sessions) < world.stop)).sum()),
            }
        ),
        night_tickets=nights,
        late_orders=[f"o{n:012d}" for n in orders.number[late][:_EXAMPLES]],
    )


def collect(world: World, facts: list[Facts], planted: dict[str, Counter[str]], rows: dict[str, int]) -> dict[str, Any]:
    """All that was planted, ready for JSON."""
    counts: Counter[str] = Counter()
    nights: dict[str, list[str]] = {iso(night)[:10]: [] for night in world.dst_nights}
    for fact in facts:
        counts.update(fact.counts)
        for night, ids in fact.night_tickets.items():
            nights[night] += ids[:_EXAMPLES]
    law = w.SPEND_LAW
    return {
        "arguments": {
            "customers": world.customers,
            "days": world.days,
            "scale": world.scale,
            "seed": world.seed,
            "end": str(world.last_day),
        },
        "period": {"start": iso(world.start), "stop": iso(world.stop)},
        "reporting_currency": "EUR",
        "rows": rows,
        "counts": dict(sorted(counts.items())),
        "purchase_law": {
            "model": "bg_nbd",
            "time_unit": "days",
            "note": "orders of customers that are not cancelled; first orders are spread over the period",
            **{name: law[name] for name in ("r", "alpha", "a", "b")},
        },
        "spend_law": {
            "model": "gamma_gamma",
            "currency": "EUR",
            "note": "gross_amount - discount_amount of the same orders; independent of their number",
            **{name: law[name] for name in ("p", "q", "v")},
            "mean_order_value": law["p"] * law["v"] / (law["q"] - 1),
        },
        "late_deliveries": {
            "chance_when_the_customer_leaves": commerce.LATE_IF_LAST,
            "chance_otherwise": commerce.LATE_OTHERWISE,
            "examples": [o for fact in facts for o in fact.late_orders][:_EXAMPLES],
        },
        "defective_product": {"product_id": w.PRODUCTS[w.DEFECTIVE_PRODUCT]},
        "detractor_topic": {"topic": w.TOPICS[w.DETRACTOR_TOPIC]},
        "content_gap": {
            "topic": w.TOPICS[w.GAP_TOPIC],
            "search_terms": [t for t, topic, hits in w.SEARCHES if topic == w.GAP_TOPIC and hits == 0],
        },
        "bad_article": {
            "article_id": w.ARTICLE_IDS[w.BAD_ARTICLE],
            "page_path": w.ARTICLES[w.BAD_ARTICLE].path,
            "broken_from": iso(world.broken_from),
            "call_share": support.CALL_AFTER_BAD_ARTICLE,
        },
        "outage": {
            "monitor_id": company.MONITORS[0],
            "site": w.SITES[0],
            "start": iso(world.outage[0]),
            "end": iso(world.outage[1]),
            "topic": w.TOPICS[w.WEBSITE],
        },
        "slow_page": {"page_path": w.PAGES[w.SLOW_PAGE].path, "device_type": "mobile"},
        "worthless_campaign": {"campaign_id": w.CAMPAIGN_IDS[w.WORTHLESS_CAMPAIGN]},
        "dst_nights": [
            {"night": night, "zone": w.ZONES[w.HOME_ZONE], "interactions": ids} for night, ids in nights.items()
        ],
        "holidays": [
            {"schedule_id": schedule, "date": iso(day * DAY)[:10], "name": name}
            for schedule, day, name in company.holidays(world)
        ],
        "damage": {name: _nested(counts) for name, counts in planted.items() if counts},
        "csv_files": _csv_facts(world),
    }


def _nested(counts: Counter[str]) -> dict[str, Any]:
    """`kind:column:value` counts as nested dictionaries."""
    nested: dict[str, Any] = {}
    for key, count in sorted(counts.items()):
        *path, last = key.split(":")
        place = nested
        for step in path:
            place = place.setdefault(step, {})
        place[last] = count
    return nested


def _csv_tables(world: World) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Two exports from older systems, as text: some values cannot be read, some are written differently."""
    day = world.last_day - timedelta(days=min(5, world.days - 2))
    answers = []
    for number, score in enumerate(("9", "n/a", "7", "ten", "10", "3", "", "8", "n/a", "6")):
        answers.append(
            {
                "response_id": f"r-late-{number:04d}",
                "survey_id": "sv-relationship",
                "survey_type": "nps",
                "customer_id": f"c{number % world.customers:012d}",
                "responded_at": f"{day}T10:{number:02d}:00+02:00",
                "score": score,
                "is_complete": "true",
                "_loaded_at": f"{day + timedelta(days=1)} 04:00:00",
            }
        )
    orders = []
    for number, (moment, gross) in enumerate(
        (
            ("09:15:00", "59.90"),
            ("09:40:00", "12,50 EUR"),
            ("unknown", "20.00"),
            ("11:05:00", "104.00"),
            ("12:00:00", "-"),
            ("13:30:00", "33.10"),
        )
    ):
        orders.append(
            {
                "order_id": f"o-legacy-{number:04d}",
                "customer_id": "",
                "ordered_at": moment if moment == "unknown" else f"{day} {moment}",
                "channel": "store",
                "status": "delivered",
                "currency": "EUR",
                "gross_amount": gross,
                "discount_amount": "0",
                "_loaded_at": f"{day + timedelta(days=1)} 05:00:00",
            }
        )
    return {("survey_responses", "late_export.csv"): answers, ("orders", "legacy.csv"): orders}


def write_csv_files(world: World, out: Path) -> dict[str, int]:
    """Write the text files; returns their rows per table."""
    rows = {}
    for (table, name), records in _csv_tables(world).items():
        with (out / table / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(records[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(records)
        rows[table] = len(records)
    return rows


def _csv_facts(world: World) -> list[dict[str, Any]]:
    unreadable = {"score": {"n/a", "ten"}, "gross_amount": {"12,50 EUR", "-"}, "ordered_at": {"unknown"}}
    facts = []
    for (table, name), records in _csv_tables(world).items():
        bad = Counter(c for record in records for c, values in unreadable.items() if record.get(c) in values)
        rejected = bad.pop("ordered_at", 0)
        facts.append(
            {
                "file": f"{table}/{name}",
                "rows": len(records),
                "rejected_rows": rejected,
                "unreadable_values": dict(bad),
            }
        )
    return facts
