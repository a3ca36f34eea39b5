"""The suites as data: for each raw table the rules its rows are held against.

Most rules follow from the contract (required, key, codes, types); what it states in prose is in the tables below.
A rule says which rows break it as SQL over the table's typed view (see
`views`); that is what is counted and located.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from outside_in.contract import RawTable
from outside_in.validation.findings import Severity
from outside_in.validation.inspection import literal, quote
from outside_in.validation.views import unreadable

Kind = Literal[
    "exists", "rows", "readable", "filled", "key", "code", "range", "order", "form", "scale", "future", "orphan",
    "fresh", "volume",
]  # fmt: skip

MAX_ORPHAN_SHARE = 0.05
MAX_LAG_DAYS = 7
VOLUME_DAYS = 28
VOLUME_BAND = (0.3, 3.0)
# Below about 20 rows a day chance alone leaves the band.
VOLUME_MIN_ROWS = 20

# column to (least, most); None is no bound. A table's own entry is `table.column`.
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

# table to (scored column, least, most) where the row does not bring its own scale, as SQL
SCALES: dict[str, tuple[str, str, str]] = {
    "survey_responses": (
        "score",
        "case survey_type when 'nps' then 0 when 'csat' then 1 when 'ces' then 1 end",
        "case survey_type when 'nps' then 10 when 'csat' then 5 when 'ces' then 7 end",
    ),
    "quality_reviews": ("score", "0", "100"),
    "reviews": ("rating", "1", "5"),
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

ZONES = "(select name from pg_timezone_names())"
# (table, column) to (claim, SQL true for a well-formed value)
FORMS: dict[tuple[str, str], tuple[str, str]] = {
    ("service_hours", "opens_at"): (
        "is a time HH:MM",
        "regexp_full_match(trim({}), '([01]?[0-9]|2[0-3]):[0-5][0-9]')",
    ),
    ("service_hours", "closes_at"): (
        "is a time HH:MM, up to 24:00",
        "regexp_full_match(trim({}), '([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00')",
    ),
    ("service_hours", "timezone"): ("is an IANA time zone", f"trim({{}}) in {ZONES}"),
    ("customers", "timezone"): ("is an IANA time zone", f"trim({{}}) in {ZONES}"),
}


@dataclass(frozen=True)
class Rule:
    """One expectation about a table.

    Attributes:
        kind: what sort of rule it is; decides the expectation class.
        column: the column it is about; empty for the table.
        claim: what is expected, in words.
        broken: what is wrong when it is not met, in words.
        reason: why it matters, in one line.
        advice: what happens to the rows, or what to do.
        bad: SQL that is true for a row that breaks the rule; empty where rows are not judged one by one.
        query: for freshness and volume, the SQL over `{batch}` that returns a row when the rule is broken.
        other: the end column of an order.
        least: the lower bound of a range.
        most: the upper bound of a range.
        codes: the accepted values of a code.
        mostly: the share of rows that must keep the rule.
        severity: of its finding.
    """

    kind: Kind
    column: str
    claim: str
    broken: str
    reason: str
    advice: str = ""
    bad: str = ""
    query: str = ""
    other: str = ""
    least: float | None = None
    most: float | None = None
    codes: tuple[str, ...] = ()
    mostly: float = 1.0
    severity: Severity = "warning"


def suite(
    table: RawTable, columns: Mapping[str, bool], present: Mapping[str, set[str]], latest: str | None
) -> Iterator[Rule]:
    """The rules of one table.

    Args:
        table: its contract.
        columns: the contract's columns that its files have, and whether reading one can fail (text, mostly).
        present: for every table with readable files, the columns that it has.
        latest: the data's latest time as SQL, or None where no table has a time.

    Yields:
        The rules that apply; one about a column that no file has is left out, except that it must exist.
    """
    yield Rule(
        "rows", "", "the table has rows", "the table has files and no rows", "an empty delivery makes its KPIs vanish",
        "check the export", least=1,
    )  # fmt: skip
    yield from _contract_rules(table, columns)
    yield from _prose_rules(table, columns)
    for child, column, parent, key in REFERENCES:
        if child == table.name and column in columns and key in present.get(parent, set()):
            known = f"(select {quote(key)} from {quote(parent)} where {quote(key)} is not null)"
            yield Rule(
                "orphan", column,
                f"{column} is in {parent} for {1 - MAX_ORPHAN_SHARE:.0%} of the rows",
                f"{column} is not among {parent}.{key}",
                "what joins over it loses these rows",
                f"deliver the missing {parent}, or both tables of the same moment",
                bad=f"{quote(column)} is not null and {quote(column)} not in {known}",
                mostly=1 - MAX_ORPHAN_SHARE,
            )  # fmt: skip
    if table.own_time in columns and latest:
        yield from _time_rules(str(table.own_time), latest)


def _contract_rules(table: RawTable, columns: Mapping[str, bool]) -> Iterator[Rule]:
    for column in table.required:
        yield Rule(
            "exists", column, f"{column} is a column", f"required column {column} is missing in every file",
            "nothing can be built without it", "add it to the export", severity="critical",
        )  # fmt: skip
        if column in columns:
            yield Rule(
                "filled", column, f"{column} is filled and readable", f"required {column} is null or unreadable",
                "a row without it cannot be used", "staging rejects these rows",
                bad=f"{quote(column)} is null",
            )  # fmt: skip
    for column, can_fail in columns.items():
        if can_fail and column not in table.required:
            kind = table.columns[column]
            yield Rule(
                "readable", column, f"{column} can be read as {kind}", f"{column} cannot be read as {kind}",
                "an unreadable value is no value", "staging removes the value and keeps the row",
                bad=quote(unreadable(column)),
            )  # fmt: skip
    if all(column in columns for column in table.key if column in table.required):
        key = [quote(column) for column in table.key if column in columns]
        filled = " and ".join(
            f"{quote(column)} is not null" for column in table.key if column in table.required
        )
        # A struct, unlike a bare list, holds two nulls for equal, as the contract does.
        row = key[0] if len(key) == 1 else f"row({', '.join(key)})"
        repeated = f"(select {row} from {quote(table.name)} group by all having count(*) > 1)"
        names = ", ".join(table.key)
        yield Rule(
            "key", table.key[0], f"{names} identifies a row", f"rows share their key ({names}) with another row",
            "the key is the row's identity", "staging keeps the row landed last",
            bad=f"{filled or 'true'} and {row} in {repeated}",
        )  # fmt: skip
    for column, codes in table.codes.items():
        if column in columns:
            accepted = ", ".join(map(literal, codes))
            yield Rule(
                "code", column, f"{column} is a known code", f"{column} holds unknown codes",
                "an unknown code is shown as 'unknown'", "map it in the export, or ask for it in the contract",
                bad=f"{quote(column)} not in ({accepted})", codes=codes,
            )  # fmt: skip


def _prose_rules(table: RawTable, columns: Mapping[str, bool]) -> Iterator[Rule]:
    removed = "staging removes the value and keeps the row"
    for column in columns:
        least, most = RANGES.get(column, (0 if column.endswith(NEVER_NEGATIVE) else None, None))
        if least is not None:
            limits = f"at least {least:g}" if most is None else f"between {least:g} and {most:g}"
            above = f" or {quote(column)} > {most}" if most is not None else ""
            yield Rule(
                "range", column, f"{column} is {limits}", f"{column} is not {limits}",
                "an impossible number spoils a mean", removed,
                bad=f"({quote(column)} < {least}{above})", least=least, most=most,
            )  # fmt: skip
        if (table.name, column) in FORMS:
            claim, form = FORMS[table.name, column]
            yield Rule(
                "form", column, f"{column} {claim}", f"{column} is not of the form: {claim}",
                "it cannot be computed with otherwise", "staging rejects the row or removes the value",
                bad=f"{quote(column)} is not null and not {form.format(quote(column))}",
            )  # fmt: skip
    for owner, start, end in ORDERS:
        if owner in (None, table.name) and start in columns and end in columns:
            yield Rule(
                "order", start, f"{start} is not after {end}", f"{end} is before {start}",
                "a negative duration is impossible", "staging removes one of the two and keeps the row",
                bad=f"{quote(end)} < {quote(start)}", other=end,
            )  # fmt: skip
    if table.name in SCALES and {SCALES[table.name][0], *({"survey_type"} & {*table.required})} <= {*columns}:
        column, lowest, highest = SCALES[table.name]
        own = {end: quote(end) if end in columns else "null" for end in ("scale_min", "scale_max")}
        low, high = f"coalesce({own['scale_min']}, {lowest})", f"coalesce({own['scale_max']}, {highest})"
        yield Rule(
            "scale", column, f"{column} is on its scale", f"{column} is off its scale",
            "a score off its scale cannot be compared", removed,
            bad=f"({quote(column)} < {low} or {quote(column)} > {high})",
        )  # fmt: skip


def _time_rules(own_time: str, latest: str) -> Iterator[Rule]:
    time = quote(own_time)
    yield Rule(
        "future", own_time, f"{own_time} is at most a day after the row was landed",
        f"{own_time} is more than a day after the row was landed",
        "what has not happened yet is in no KPI", "staging leaves these rows out until then",
        bad=f"{time} > _loaded_at + interval 1 day",
    )  # fmt: skip
    before = f"from {{batch}} where {time} <= {latest}"
    yield Rule(
        "fresh", own_time, f"the latest {own_time} is at most {MAX_LAG_DAYS} days behind the data's latest",
        f"the table has stopped: its latest {own_time} lags the other tables",
        "a table that stopped makes its KPIs fall silently", "check the export",
        query=f"select date_diff('day', max({time}), {latest}) as days_behind {before}"
        f" having max({time}) < {latest} - interval {MAX_LAG_DAYS} day",
    )  # fmt: skip
    low, high = VOLUME_BAND
    yield Rule(
        "volume", own_time,
        f"the last full day has {low:g} to {high:g} times the rows of a median day of the {VOLUME_DAYS} before",
        "the last full day's rows are far from those of a usual day",
        "a partial or double delivery looks like a change in behaviour", "check the export of that day",
        query=f"""
            with days as (
                select cast({time} as date) as day, count(*) as rows {before} group by all
            ), last as (
                select cast({latest} as date) - 1 as day
            ), usual as (
                select median(coalesce(days.rows, 0)) as median_rows
                from last cross join range(1, {VOLUME_DAYS + 1}) as back(n)
                left join days on days.day = last.day - cast(back.n as integer)
            )
            select coalesce(days.rows, 0) as last_day_rows, usual.median_rows
            from last cross join usual left join days on days.day = last.day
            where usual.median_rows >= {VOLUME_MIN_ROWS}
                and coalesce(days.rows, 0) not between {low} * usual.median_rows and {high} * usual.median_rows
                and (select min(day) from days) <= last.day - {VOLUME_DAYS}
                and (select max(day) from days) >= last.day - {MAX_LAG_DAYS}""",
    )  # fmt: skip
