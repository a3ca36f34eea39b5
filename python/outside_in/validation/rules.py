"""The suites as data: for each raw table the rules its rows are held against.

Most rules follow from the contract (required, key, codes, types); what it says in prose is in the tables
below. A rule says which rows break it as SQL over the table's typed view (see `views`); these are counted
and located.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from outside_in.contract import DELETED, RawTable
from outside_in.validation.findings import Severity
from outside_in.validation.history import Change
from outside_in.validation.inspection import column_types, literal, quote
from outside_in.validation.views import unreadable

MAX_ORPHAN_SHARE = 0.05
MAX_LAG_DAYS = 7
VOLUME_DAYS = 28
VOLUME_BAND = (0.3, 3.0)
# Below about 20 rows a day chance alone leaves the band.
VOLUME_MIN_ROWS = 20

# column to (least, most); None is no bound.
RANGES: dict[str, tuple[float | None, float | None]] = {
    "weekday": (1, 7),
    "performance_score": (0, 1),
    "accessibility_score": (0, 1),
    "clicks": (0, None),
    "impressions": (0, None),
    "rate": (0, None),
}
NEVER_NEGATIVE = ("_seconds", "_ms", "_count")

# (table or None for every table, start, end)
ORDERS: list[tuple[str | None, str, str]] = [
    ("interactions", "started_at", "answered_at"),
    ("interactions", "started_at", "ended_at"),
    ("tickets", "created_at", "solved_at"),
    ("tickets", "created_at", "closed_at"),
    ("survey_responses", "started_at", "responded_at"),
    ("agent_status_events", "started_at", "ended_at"),
    (None, "started_on", "ended_on"),
    (None, "valid_from", "valid_to"),
    (None, "linked_at", "unlinked_at"),
]

# table to (scored column, columns needed, least, most) where the row does not bring its own scale, as SQL
SCALES: dict[str, tuple[str, tuple[str, ...], str, str]] = {
    "survey_responses": (
        "score",
        ("survey_type",),
        "case survey_type when 'nps' then 0 when 'csat' then 1 when 'ces' then 1 end",
        "case survey_type when 'nps' then 10 when 'csat' then 5 when 'ces' then 7 end",
    ),
    "quality_reviews": ("score", (), "0", "100"),
    "reviews": ("rating", (), "1", "5"),
}

# (table, column, table it points to, column there)
REFERENCES: list[tuple[str, str, str, str]] = [
    ("orders", "customer_id", "customers", "customer_id"),
    ("order_items", "order_id", "orders", "order_id"),
    ("returns", "order_id", "orders", "order_id"),
    ("shipments", "order_id", "orders", "order_id"),
    ("shipment_events", "shipment_id", "shipments", "shipment_id"),
    ("tickets", "customer_id", "customers", "customer_id"),
    ("ticket_events", "ticket_id", "tickets", "ticket_id"),
    ("ticket_messages", "ticket_id", "tickets", "ticket_id"),
    ("ticket_articles", "ticket_id", "tickets", "ticket_id"),
    ("survey_responses", "invitation_id", "survey_invitations", "invitation_id"),
    ("campaign_costs", "campaign_id", "campaigns", "campaign_id"),
    ("ad_events", "campaign_id", "campaigns", "campaign_id"),
]

IS_ZONE = ("is an IANA time zone", "lower(trim({})) in (select lower(name) from pg_timezone_names())")
# (table, column) to (claim, SQL true for a well-formed value)
FORMS: dict[tuple[str, str], tuple[str, str]] = {
    ("service_hours", "opens_at"): (
        "is a time HH:MM",
        "regexp_full_match(trim({}), '([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?')",
    ),
    ("service_hours", "closes_at"): (
        "is a time HH:MM, up to 24:00",
        "regexp_full_match(trim({}), '(([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)(:[0-5][0-9])?')",
    ),
    ("service_hours", "timezone"): IS_ZONE,
    ("customers", "timezone"): IS_ZONE,
}

# What a table's repeated keys are called: they are looked for once, and then both counted and located.
REPEATED = "_oi_repeated_{}"
REMOVED = "staging removes the value and keeps the row"
STAYS = "staging keeps the value, for the row must have one; correct it in the export"
REJECTED = "staging rejects these rows"
WRITTEN = "; times are written as 2026-01-31 12:00:00, numbers with a decimal point"
# kind of rule to (what is expected, what is wrong otherwise, why it matters, what happens or what to do)
TEXTS: dict[str, tuple[str, str, str, str]] = {
    "rows": (
        "the table has rows",
        "the table has files and no rows",
        "an empty delivery makes its KPIs vanish",
        "check the export",
    ),
    "exists": (
        "{column} is a column",
        "required column {column} is missing in every file",
        "nothing can be built without it",
        "add it to the export",
    ),
    "filled": (
        "{column} is filled and readable",
        "required {column} is null or unreadable",
        "a row without it cannot be used",
        REJECTED + WRITTEN,
    ),
    "readable": (
        "{column} can be read as {type}",
        "{column} cannot be read as {type}",
        "an unreadable value is no value",
        REMOVED + WRITTEN,
    ),
    "key": (
        "{key} identifies a row",
        "rows share their key ({key}) with another row",
        "the key is the row's identity",
        "staging keeps the row landed last",
    ),
    "code": (
        "{column} is a known code",
        "{column} holds unknown codes",
        "an unknown code is shown as 'unknown'",
        "map it in the export, or have it added to the contract",
    ),
    "range": (
        "{column} is {limits}",
        "{column} is not {limits}",
        "an impossible number spoils a mean",
        REMOVED,
    ),
    "form": (
        "{column} {form}",
        "{column} is not as it must be: {form}",
        "nothing can be computed with it otherwise",
        REMOVED,
    ),
    "order": (
        "{column} is not after {other}",
        "{other} is before {column}",
        "a negative duration is impossible",
        "staging removes one of the two and keeps the row",
    ),
    "scale": (
        "{column} is on its scale",
        "{column} is off its scale",
        "a score off its scale cannot be compared",
        REMOVED,
    ),
    "future": (
        "{column} is at most a day after the row was landed",
        "{column} is more than a day after the row was landed",
        "what has not happened yet is in no KPI",
        "staging leaves these rows out until then",
    ),
    "orphan": (
        "{column} is in {parent} for {share:.0%} of the rows",
        "{column} is not in {parent}",
        "what joins over it loses these rows",
        "deliver what is missing in {parent}, or both tables as of the same moment",
    ),
    "fresh": (
        "the latest {column} is at most {days} days behind the data's latest",
        "the table has stopped: its latest {column} is behind the other tables",
        "a table that stopped makes its KPIs fall silently",
        "check the export",
    ),
    "volume": (
        "the last full day has {low:g} to {high:g} times the rows of a median day of the {days} before",
        "the last full day's rows are far from those of a usual day",
        "a partial or double delivery looks like a change in behaviour",
        "check the export of that day",
    ),
    "drift": (
        "the rows landed since the last run are like those of the runs before",
        "not as in the runs before",
        "a change in the export looks like a change in behaviour",
        "ask whoever delivers whether they know why",
    ),
}


@dataclass(frozen=True)
class Rule:
    """One expectation about a table.

    Attributes:
        kind: what sort of rule it is, a key of `TEXTS`; decides the expectation class.
        column: the column it is about; empty for the table.
        claim: what is expected, in words.
        broken: what is wrong when it is not met, in words.
        reason: why it matters, in one line.
        advice: what happens to the rows, or what to do.
        bad: SQL that is true for a row that breaks the rule; empty where rows are not judged one by one.
        query: for freshness, volume and drift, the SQL over `{batch}` that returns a row where the rule is broken.
        other: the end column of an order.
        least: the lower bound of a range.
        most: the upper bound of a range.
        codes: the accepted values of a code.
        mostly: the share of rows that must keep the rule.
        severity: of its finding.
    """

    kind: str
    column: str
    claim: str
    broken: str
    reason: str
    advice: str
    bad: str = ""
    query: str = ""
    other: str = ""
    least: float | None = None
    most: float | None = None
    codes: tuple[str, ...] = ()
    mostly: float = 1.0
    severity: Severity = "warning"


def suite(
    table: RawTable,
    columns: Mapping[str, bool],
    present: Mapping[str, Mapping[str, bool]],
    latest: str | None,
    changed: Sequence[Change] = (),
) -> Iterator[Rule]:
    """The rules of one table.

    Args:
        table: its contract.
        columns: the contract's columns that its files have, and whether reading one can fail (text, mostly).
        present: the same for every table with readable files.
        latest: the data's latest time as SQL, or None where no table has a time.
        changed: what is not as in the runs before.

    Yields:
        The rules that apply; one about a column that no file has is left out, except that it must exist.
    """
    yield _rule("rows")
    yield from _contract_rules(table, columns)
    yield from _prose_rules(table, columns)
    for child, column, parent, key in REFERENCES:
        if child == table.name and column in columns and key in present.get(parent, {}):
            known = f"(select {quote(key)} from {quote(parent)} where {quote(key)} is not null)"
            bad = f"{quote(column)} is not null and {quote(column)} not in {known}"
            share = 1 - MAX_ORPHAN_SHARE
            yield _rule("orphan", column, {"parent": parent, "share": share}, bad=bad, mostly=share)
    if table.own_time in columns and latest:
        yield from _time_rules(str(table.own_time), latest)
    moved = ", ".join(f"({literal(change.what)}, {change.now!r}, {change.before!r})" for change in changed)
    moved = moved or "('', 0, 0)"
    query = f"from (values {moved}) as moved(what, now, before) where what <> ''"
    yield _rule("drift", query=f"select moved.* {query} and exists (select 1 from {{batch}})")


def repeated_keys(table: RawTable, columns: Mapping[str, bool]) -> str:
    """The SELECT of the keys that come more than once, see `REPEATED`; empty where a table has no whole key."""
    key = _key(table, columns)
    return f"select {key} from {quote(table.name)} group by all having count(*) > 1" if key else ""


def _key(table: RawTable, columns: Mapping[str, bool]) -> str:
    """A row's key as SQL; empty where a column that it must have is not there."""
    if any(column in table.required and column not in columns for column in table.key):
        return ""
    parts = [_key_value(table, column, columns) for column in table.key]
    if len(parts) == 1:
        return parts[0]
    # A struct, unlike a bare list, holds two nulls for equal, as the contract does.
    named = (f"{quote(column)} := {part}" for column, part in zip(table.key, parts, strict=True))
    return f"struct_pack({', '.join(named)})"


def _key_value(table: RawTable, column: str, columns: Container[str]) -> str:
    """A key column's value as SQL; `key_value` in macros/staging/judged_rows.sql says the same to dbt."""

    def have(name: str) -> str:
        return quote(name) if name in columns else "cast(null as varchar)"

    match table.name, column:
        case "survey_responses", "question_id":
            asked = f"{have('survey_type')} || ':' || coalesce(lower(trim({have('aspect')})), 'overall')"
            return f"coalesce({have(column)}, {asked})"
        case "quality_reviews", "criterion":
            return f"coalesce({have(column)}, 'overall')"
        case _, "channel":
            return f"lower(trim({have(column)}))"
        case _, "from_currency" | "to_currency":
            return f"upper(trim({have(column)}))"
    return have(column)


def _rule(kind: str, column: str = "", words: Mapping[str, object] | None = None, **fields: Any) -> Rule:
    """A rule with its texts filled in."""
    claim, broken, reason, advice = (text.format(**{"column": column, **(words or {})}) for text in TEXTS[kind])
    return Rule(kind, column, claim, broken, reason, advice, **fields)


def _contract_rules(table: RawTable, columns: Mapping[str, bool]) -> Iterator[Rule]:
    for column in table.required:
        yield _rule("exists", column, severity="critical")
        if column in columns:
            # A row that removes another needs no more than its key.
            unless = f" and {DELETED} is not true" if DELETED in columns and column not in table.key else ""
            yield _rule("filled", column, bad=f"{quote(column)} is null{unless}")
    for column, can_fail in columns.items():
        if can_fail and column not in table.required:
            yield _rule("readable", column, {"type": column_types(table)[column]}, bad=quote(unreadable(column)))
    if key := _key(table, columns):
        filled = " and ".join(f"{quote(column)} is not null" for column in table.key if column in table.required)
        bad = f"{filled} and {key} in (from {quote(REPEATED.format(table.name))})"
        yield _rule("key", table.key[0], {"key": ", ".join(table.key)}, bad=bad)
    for column, codes in table.codes.items():
        if column in columns:
            bad = f"{quote(column)} not in ({', '.join(map(literal, codes))})"
            yield _rule("code", column, bad=bad, codes=codes)


def _prose_rules(table: RawTable, columns: Mapping[str, bool]) -> Iterator[Rule]:
    """What the contract says in words; a required value stays whatever it is, or takes its row with it."""
    kept = REJECTED if table.name == "service_hours" else STAYS
    for rule in _value_rules(table, columns):
        yield replace(rule, advice=kept) if rule.advice == REMOVED and rule.column in table.required else rule
    for owner, start, end in ORDERS:
        if owner in (None, table.name) and start in columns and end in columns:
            yield _rule("order", start, {"other": end}, bad=f"{quote(end)} < {quote(start)}", other=end)


def _value_rules(table: RawTable, columns: Mapping[str, bool]) -> Iterator[Rule]:
    for column in columns:
        least, most = RANGES.get(column, (0 if column.endswith(NEVER_NEGATIVE) else None, None))
        if least is not None:
            limits = f"at least {least:g}" if most is None else f"between {least:g} and {most:g}"
            bad = f"{quote(column)} < {least}" + (f" or {quote(column)} > {most}" if most is not None else "")
            yield _rule("range", column, {"limits": limits}, bad=bad, least=least, most=most)
        if (table.name, column) in FORMS:
            claim, form = FORMS[table.name, column]
            bad = f"{quote(column)} is not null and not {form.format(quote(column))}"
            yield _rule("form", column, {"form": claim}, bad=bad)
    if table.name in SCALES:
        column, needed, lowest, highest = SCALES[table.name]
        if {column, *needed} <= {*columns}:
            own = {end: quote(end) if end in columns else "null" for end in ("scale_min", "scale_max")}
            low, high = f"coalesce({own['scale_min']}, {lowest})", f"coalesce({own['scale_max']}, {highest})"
            yield _rule("scale", column, bad=f"{quote(column)} < {low} or {quote(column)} > {high}")


def _time_rules(own_time: str, latest: str) -> Iterator[Rule]:
    time = quote(own_time)
    yield _rule("future", own_time, bad=f"{time} > _loaded_at + interval 1 day")
    # GX replaces the braces by the table.
    until = f"from {{batch}} where {time} <= {latest}"
    query = (
        f"select date_diff('day', max({time}), {latest}) as days_behind {until}"
        f" having max({time}) < {latest} - interval {MAX_LAG_DAYS} day"
    )
    yield _rule("fresh", own_time, {"days": MAX_LAG_DAYS}, query=query)
    low, high = VOLUME_BAND
    query = f"""
        with days as (
            select cast({time} as date) as day, count(*) as day_rows {until} group by all
        ),
        last as (
            select cast({latest} as date) - 1 as day
        ),
        usual as (
            select median(coalesce(days.day_rows, 0)) as median_rows
            from last cross join range(1, {VOLUME_DAYS + 1}) as back(n)
            left join days on days.day = last.day - cast(back.n as integer)
        ),
        compared as (
            select coalesce(days.day_rows, 0) as last_day_rows, usual.median_rows
            from last cross join usual left join days on days.day = last.day
        )
        select compared.* from compared cross join last
        where median_rows >= {VOLUME_MIN_ROWS}
            and last_day_rows not between {low} * median_rows and {high} * median_rows
            and (select min(days.day) from days) <= last.day - {VOLUME_DAYS}
            and (select max(days.day) from days) >= last.day - {MAX_LAG_DAYS}"""
    yield _rule("volume", own_time, {"low": low, "high": high, "days": VOLUME_DAYS}, query=query)
