"""What goes wrong on the way: repeated, late, malformed and impossible rows, counted as they are planted."""

from __future__ import annotations

from collections import Counter

import numpy as np

from outside_in.contract import DELETED, LANDED_AT, RawTable
from outside_in.sample.world import World
from outside_in.sample.writer import (
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
    latest_time,
    put,
    rows_in,
    stack,
    take,
)

Planted = Counter[str]

# share of a table's rows per kind of damage; in all about a third of a percent
RATES = {
    "exact_duplicates": 0.0006,
    "superseded_versions": 0.0005,
    "late_rows": 0.0007,
    "out_of_order_rows": 0.0007,
    "future_rows": 0.0001,
    "tombstones": 0.0001,
    "required_null": 0.0002,
    "unknown_codes": 0.0002,
    "unclean_codes": 0.0002,
    "impossible_values": 0.0003,
}
SMALL_TABLE = 1_000  # below this nothing is planted; from here on at least one of each kind that applies
NEW_NUMBERS = 500_000_000_000  # added to an identifier, it makes one that nobody else has
LATE = 120 * DAY
BATCH = 15 * MINUTE

# column -> codes that no vocabulary knows
UNKNOWN_CODES = {
    "interactions": {"channel": "fax", "direction": "internal", "outcome": "parked"},
    "tickets": {"priority": "p1", "case_type": "incident"},
    "ticket_events": {"actor_type": "robot"},
    "ticket_messages": {"author_type": "robot"},
    "orders": {"status": "backorder", "channel": "kiosk"},
    "returns": {"reason": "no_longer_needed"},
    "cart_events": {"event_type": "save_for_later"},
    "shipment_events": {"status": "held"},
    "subscription_events": {"event_type": "upgrade"},
    "loyalty_events": {"event_type": "transfer"},
    "agent_status_events": {"status": "training"},
    "survey_responses": {"aspect": "speed", "lifecycle_stage": "win_back"},
    "survey_invitations": {"lifecycle_stage": "win_back"},
    "customer_identities": {"identity_type": "cookie"},
    "web_events": {"event_name": "scroll", "page_type": "blog", "device_type": "television"},
    "ad_events": {"event_type": "bounce"},
}
# column -> a code as another system spells it: right after trimming and lower-casing
UNCLEAN_CODES = {
    "interactions": {"channel": " Phone"},
    "tickets": {"channel": "EMAIL"},
    "orders": {"status": "Delivered "},
    "shipment_events": {"status": "IN_TRANSIT"},
    "web_events": {"device_type": "Mobile"},
    "survey_responses": {"survey_type": "CSAT"},
}
# column -> the value that cannot be; a number of microseconds is added to the row's own time
IMPOSSIBLE: dict[str, dict[str, float | int]] = {
    "interactions": {"talk_seconds": -45.0, "ended_at": -90 * MINUTE},
    "tickets": {"solved_at": -3 * HOUR},
    "survey_responses": {"score": 250.0},
    "reviews": {"rating": 99.0},
    "web_events": {"engagement_ms": -1.0, "page_load_ms": -250.0},
    "quality_reviews": {"score": -10.0},
    "customer_identities": {"unlinked_at": -DAY},
}
# the column that a row loses to be rejected, where it is not the own time
LOST_COLUMN = {"web_events": "event_name", "interactions": "channel"}
# tables whose rows a source may take back
DELETING = ("orders", "interactions", "tickets", "survey_responses", "reviews", "web_events", "cart_events")


def land(world: World, table: RawTable, frame: Frame, rng: Rng) -> Ints:
    """Give every row its `_loaded_at`, minutes to hours after its last time; return that last time."""
    latest = latest_time(table, frame)
    latest = np.where(latest == NULL, world.start - DAY, latest)
    if table.name == "web_events":  # streamed: with the next batch
        frame[LANDED_AT] = (latest // BATCH + 1) * BATCH
    else:
        frame[LANDED_AT] = (latest // BATCH + rng.integers(1, 9, len(latest))) * BATCH
    return latest


def plant(
    world: World, table: RawTable, frame: Frame, latest: Ints, rng: Rng
) -> tuple[list[Frame], Frame | None, Planted]:
    """Damage a table that has landed; `latest` is what `land` returned.

    Returns:
        The frames to write (the rows, and the added ones), the rows with tombstones, which need the column
        `_deleted`, and the counts by `kind` or `kind:column:value`. Every row is hit at most once. What is
        rejected, in the future or taken back is added with an identifier of its own: no other row misses it.
    """
    planted: Planted = Counter()
    rows = rows_in(frame)
    if rows < SMALL_TABLE:
        return [frame], None, planted
    pool = rng.permutation(rows) if rows < 100_000 else rng.choice(rows, rows // 100, replace=False)
    known = _known(table, frame)
    used = np.zeros(rows, np.bool_)

    def draw(kind: str, where: Bools | None = None, share: float = 1.0) -> Ints:
        count = max(1, round(RATES[kind] * share * rows))
        free = pool[~used[pool]]
        free = free if where is None else free[where[free]]
        picked = np.sort(free[:count]).astype(np.int64)
        used[picked] = True
        return picked

    landed = np.asarray(frame[LANDED_AT]).copy()
    has_room = latest < world.stop - 3 * DAY
    if not {"timestamp", "date"} & {table.columns.get(name) for name in frame}:
        has_room[:] = False  # nothing in the row says when it happened, so nobody could tell that it is late
    for kind, low, high in (("late_rows", 50 * HOUR, LATE), ("out_of_order_rows", 26 * HOUR, 46 * HOUR)):
        hit = draw(kind, has_room)
        room = np.minimum(world.stop - latest[hit], high)
        landed[hit] = latest[hit] + low + (rng.random(len(hit)) * np.maximum(room - low, MINUTE)).astype(np.int64)
        planted[kind] += len(hit)
    frame[LANDED_AT] = landed
    for column, word in UNKNOWN_CODES.get(table.name, {}).items():
        hit = draw("unknown_codes", known[column], 1 / len(UNKNOWN_CODES[table.name]))
        put(frame, column, hit, word)
        planted[f"unknown_codes:{column}:{word}"] += len(hit)
    for column, word in UNCLEAN_CODES.get(table.name, {}).items():
        hit = draw("unclean_codes", _is_word(frame[column], word.strip().lower()))
        put(frame, column, hit, word)
        planted[f"unclean_codes:{column}:{word}"] += len(hit)
    for column, value in IMPOSSIBLE.get(table.name, {}).items():
        hit = draw("impossible_values", known[column], 1 / len(IMPOSSIBLE[table.name]))
        is_time = table.columns[column] == "timestamp"
        put(
            frame,
            column,
            hit,
            np.asarray(frame[table.own_time or ""])[hit] + int(value) if is_time else value,
        )
        planted[f"impossible_values:{column}"] += len(hit)

    copies = draw("exact_duplicates")
    added = [take(frame, copies)]
    planted["exact_duplicates"] += len(copies)
    stale = draw("superseded_versions")
    if optional := _optional(table, frame):
        older = take(frame, stale)
        for column in optional:
            put(older, column, np.arange(len(stale)), None)
        added.append(older)
        landed[stale] += rng.integers(2, 40, len(stale)) * BATCH
        planted["superseded_versions"] += len(stale)
    identifier = next((name for name in table.key if isinstance(frame.get(name), Ids)), None)
    gone: Frame | None = None
    if identifier is not None and table.own_time is not None:
        lost = take(frame, draw("required_null"))
        column = LOST_COLUMN.get(table.name, table.own_time)
        _renumber(lost, identifier, 1)
        put(lost, column, np.arange(rows_in(lost)), None)
        planted[f"required_null:{column}"] += rows_in(lost)
        ahead = take(frame, draw("future_rows", share=1 if rows > 5_000 else 0))
        _renumber(ahead, identifier, 2)
        _move_ahead(world, table, ahead, rng)
        planted["future_rows"] += rows_in(ahead)
        added += [lost, ahead]
        if table.name in DELETING:
            real = take(frame, draw("tombstones"))
            _renumber(real, identifier, 3)
            gone = take(real, np.arange(rows_in(real)))
            gone[LANDED_AT] = np.asarray(gone[LANDED_AT]) + rng.integers(2, 20, rows_in(gone)) * BATCH
            gone[DELETED] = np.ones(rows_in(gone), np.bool_)
            added.append(real)
            planted["tombstones"] += rows_in(gone)
    return [frame, stack(added)], gone, planted


def _known(table: RawTable, frame: Frame) -> dict[str, Bools]:
    """Where the columns that codes and impossible values go to have a value."""
    names = {*UNKNOWN_CODES.get(table.name, {}), *IMPOSSIBLE.get(table.name, {})}
    found = {}
    for name in names:
        column = frame[name]
        if isinstance(column, Words):
            found[name] = column.codes >= 0
        else:
            values: Ints | Floats = np.asarray(column)
            found[name] = ~np.isnan(values) if values.dtype.kind == "f" else values != NULL
    return found


def _is_word(column: object, word: str) -> Bools:
    assert isinstance(column, Words)
    return np.isin(column.codes, [i for i, known in enumerate(column.words) if known == word])


def _optional(table: RawTable, frame: Frame) -> list[str]:
    """What an older version did not know yet: one column that is no key, code or time."""
    protected = {*table.key, *table.required, *table.codes, LANDED_AT}
    free = [
        name for name in frame if name not in protected and table.columns[name] not in ("timestamp", "boolean", "date")
    ]
    return free[-1:]


def _renumber(frame: Frame, identifier: str, place: int) -> None:
    column = frame[identifier]
    assert isinstance(column, Ids)
    frame[identifier] = Ids(column.prefix, column.numbers + place * NEW_NUMBERS // 4, column.is_hashed)


def _move_ahead(world: World, table: RawTable, frame: Frame, rng: Rng) -> None:
    """Shift all times of the rows to after the day that follows the end; they land on the last day."""
    own = np.asarray(frame[table.own_time or ""])
    shift = world.stop + DAY + rng.integers(HOUR, 20 * DAY, len(own)) - own
    for name, kind in table.columns.items():
        if kind == "timestamp" and name in frame:
            times = np.asarray(frame[name])
            frame[name] = np.where(times == NULL, NULL, times + shift)
    frame[LANDED_AT] = world.stop - rng.integers(HOUR, 12 * HOUR, len(own)) // BATCH * BATCH
