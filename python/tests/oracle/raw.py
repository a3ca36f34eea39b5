"""Raw files to accepted, typed rows: the raw contract in plain Python.

In this order: read and type, map codes, reject rows without a required value, keep the latest version of a
key, apply tombstones, leave out the future, remove impossible values, take the erased customers' columns off.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from outside_in.contract import RawTable, raw_tables, read

from .calendar import Calendar, are_hours

Made = TypeVar("Made")
MOMENT: Final = "datetime64[us]"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DAY_FIRST = re.compile(r"\d{4}-\d{2}-\d{2}")
YES = {"true", "t", "yes", "y", "1", "1.0"}
NO = {"false", "f", "no", "n", "0", "0.0"}
FUTURE_TENSE = {"promised_at", "expires_at"}
TEXTS = ("comment", "body", "subject", "search_term")
DEFAULT_SCALES = {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "ces": (1.0, 7.0)}
STARTS_AND_ENDS = {  # table: (start, end, the one that goes)
    "interactions": [("started_at", "answered_at", "answered_at"), ("started_at", "ended_at", "ended_at")],
    "tickets": [("created_at", "solved_at", "solved_at"), ("created_at", "closed_at", "closed_at")],
    "survey_responses": [("started_at", "responded_at", "started_at")],
    "agent_status_events": [("started_at", "ended_at", "ended_at")],
    "agents": [("started_on", "ended_on", "ended_on")],
    "campaigns": [("started_on", "ended_on", "ended_on")],
    "service_hours": [("valid_from", "valid_to", "valid_to")],
    "customer_identities": [("linked_at", "unlinked_at", "unlinked_at")],
}


def else_(first: pd.Series[Any], then: pd.Series[Any]) -> pd.Series[Any]:
    """`first` where it is known, `then` where it is not."""
    return first.where(first.notna(), then)


def kept(values: pd.Series[Any], where: pd.Series[bool]) -> pd.Series[Any]:
    """`values` where the condition holds, null elsewhere."""
    null: Any = None
    result: pd.Series[Any] = values.astype(object).where(where, null)
    return result


def true(flags: pd.Series[Any]) -> pd.Series[bool]:
    """Where a boolean is known to be true."""
    return flags.map(lambda flag: flag is True or flag is np.True_).astype(bool)


def false(flags: pd.Series[Any]) -> pd.Series[bool]:
    """Where a boolean is known to be false."""
    return flags.map(lambda flag: flag is False or flag is np.False_).astype(bool)


@dataclass
class World:
    """The accepted rows of every table, and what the definitions need beside them.

    Attributes:
        tables: one frame per contract table with every contract column; `customer_id` is resolved through the
            identities, except in web_events and ad_events, where the session has a say.
        vars: dbt vars, defaults filled in.
        as_of: naive UTC.
        calendar: periods in the reporting time zone.
        identity: identity_value to customer_id, as of as_of, including erased customers.
        erased: customers who asked to be erased.
        without_consent: customers whose web and ad rows are not joined.
        landed_tickets: ids of all tickets that came, those deleted or rejected since included.
        ties: table to number of keys whose latest versions share `_loaded_at` but differ.
        memory: what `remembered` functions have made of this world.
    """

    tables: dict[str, pd.DataFrame]
    vars: dict[str, Any]
    as_of: pd.Timestamp
    calendar: Calendar
    identity: dict[str, str] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    without_consent: set[str] = field(default_factory=set)
    landed_tickets: set[str] = field(default_factory=set)
    ties: dict[str, int] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, table: str) -> pd.DataFrame:
        """The accepted rows of `table`."""
        return self.tables[table]

    def lookup(self, table: str, column: str) -> dict[str, Any]:
        """The key of each row of `table` (a table with one key column) to its `column`, known values only."""
        known = self[table].dropna(subset=[column])
        return dict(zip(known[raw_tables()[table].key[0]], known[column], strict=True))


def remembered(make: Callable[[World], Made]) -> Callable[[World], Made]:
    """Make it once per world."""

    @wraps(make)
    def recall(world: World) -> Made:
        name = f"{make.__module__}.{make.__name__}"
        if name not in world.memory:
            world.memory[name] = make(world)
        made: Made = world.memory[name]
        return made

    return recall


def load(raw_dir: Path, given: dict[str, Any]) -> World:
    """Read every table below `raw_dir` and apply the raw contract.

    Args:
        raw_dir: one folder per table; a missing one is an empty table.
        given: dbt vars; those not given take the defaults of the KPI dictionary.
    """
    values = {**read("kpis")["vars"], **given}
    zone, fiscal_start = str(values["reporting_timezone"]), int(values["fiscal_year_start_month"])
    ties: dict[str, int] = {}
    tables = {}
    for name, table in raw_tables().items():
        tables[name] = _read(raw_dir / name, table)
    as_of = parse_moment(given["as_of"]) if given.get("as_of") is not None else _latest_own_time(tables, zone)
    if as_of is None:
        raise ValueError(f"as_of: no row with a time of its own below {raw_dir}, and none is given")
    calendar = Calendar(zone, fiscal_start, pd.Timestamp(as_of))
    landed_tickets = set(tables["tickets"]["ticket_id"].dropna())
    for name, table in raw_tables().items():
        if len(tables[name]):
            # A version of after as_of is not known yet, so the one before it still holds.
            happened = _until(tables[name], table, calendar)
            rows, ties[name] = _latest(_accepted(happened, table), table)
            tables[name] = _known(rows, table, calendar)
    ties = {table: number for table, number in ties.items() if number}
    world = World(tables, values, calendar.as_of, calendar, landed_tickets=landed_tickets, ties=ties)
    _resolve_customers(world)
    if given.get("reporting_currency") is None:
        values["reporting_currency"] = _commonest_currency(tables)
    return world


# ---- reading and types -------------------------------------------------------------------------------


def _read(folder: Path, table: RawTable) -> pd.DataFrame:
    kinds = {**table.columns, "_loaded_at": "timestamp", "_deleted": "boolean"}
    frames = []
    for path in sorted(folder.glob("*")):
        frame = _read_file(path)
        if frame is None:
            continue
        landed = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
        typed = pd.DataFrame(
            {c: to_type(_ids(frame[c], path, c), k) if c in frame else _nulls(k, len(frame)) for c, k in kinds.items()}
        )
        typed["_loaded_at"] = typed["_loaded_at"].fillna(pd.Timestamp(landed).as_unit("us"))
        frames.append(typed)
    if not frames:
        return pd.DataFrame({c: _nulls(k, 0) for c, k in kinds.items()})
    return pd.concat(frames, ignore_index=True)


def _ids(values: pd.Series[Any], path: Path, column: str) -> pd.Series[Any]:
    """Ids as they are: 5.0 in a file without types was a number on its way."""
    if path.suffix == ".parquet" or not column.endswith(("_id", "identity_value", "old_value", "new_value")):
        return values
    whole = re.compile(r"(0|[1-9][0-9]*)\.0")
    return values.map(lambda value: str(value)[:-2] if whole.fullmatch(str(value)) else value)


def _read_file(path: Path) -> pd.DataFrame | None:
    name = path.name
    if name.endswith(".parquet"):
        return pd.read_parquet(path)
    if name.endswith((".csv", ".csv.gz")):
        return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    if name.endswith((".json", ".jsonl")):
        return pd.DataFrame(list(_json_rows(path.read_text("utf-8"))), dtype=object)
    return None


def _json_rows(text: str) -> Iterator[dict[str, Any]]:
    """Rows of a JSON array, or of one object a line."""
    if text.lstrip().startswith("["):
        yield from json.loads(text)
    else:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())


def _nulls(kind: str, length: int) -> pd.Series[Any]:
    if kind in ("timestamp", "date"):
        return pd.Series(np.full(length, np.datetime64("NaT"), dtype=MOMENT))
    if kind in ("varchar", "boolean"):
        return pd.Series([None] * length, dtype=object)
    return pd.Series(np.full(length, np.nan))


def to_type(values: pd.Series[Any], kind: str) -> pd.Series[Any]:
    """`values` as the contract's type `kind`; what is unreadable becomes null.

    Text and booleans come as objects with None, numbers as float64, times as naive UTC datetime64[us].
    """
    if kind in ("timestamp", "date") and isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    if kind in ("timestamp", "date") and values.dtype.kind == "M":
        moments = values.astype(MOMENT)
        return moments.dt.floor("D") if kind == "date" else moments
    if kind in ("double", "bigint") and values.dtype.kind in "if":
        return values.astype(float).replace([np.inf, -np.inf], np.nan)
    if kind == "varchar" and all(isinstance(v, str) or v is None for v in values.unique()):
        return kept(values, values.notna() & (values.str.strip() != ""))
    parse = PARSERS[kind]
    known = {v: parse(v) for v in values.dropna().unique()}
    parsed = [known.get(v) if v is not None and v == v else None for v in values]
    if kind in ("timestamp", "date"):
        return pd.Series(np.array(parsed, dtype=MOMENT), index=values.index)
    if kind in ("varchar", "boolean"):
        return pd.Series(parsed, index=values.index, dtype=object)
    return pd.Series(np.array([math.nan if v is None else v for v in parsed], dtype=float), index=values.index)


def parse_moment(value: Any) -> datetime | None:
    """An ISO date or timestamp as naive UTC; None where it is neither."""
    moment: datetime
    if isinstance(value, datetime):
        moment = value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
    else:
        text = str(value).strip()
        if not DAY_FIRST.match(text):
            return None
        try:
            moment = datetime.fromisoformat(re.sub(r"(?<=\d) +(?=[+-]\d)", "", text))
        except ValueError:
            return None
    try:
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return None


def _parse_day(value: Any) -> datetime | None:
    moment = parse_moment(value)
    return moment and moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _parse_number(value: Any) -> float | None:
    text = str(value).strip()
    if not NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _parse_whole(value: Any) -> float | None:
    number = _parse_number(value)
    return number if number is not None and number.is_integer() else None


def _parse_money(value: Any) -> float | None:
    number = _parse_number(value)
    return None if number is None or abs(number) >= 1e14 else float(round(Decimal(str(value).strip()), 4))


def _parse_boolean(value: Any) -> bool | None:
    text = str(value).strip().lower()
    return True if text in YES else False if text in NO else None


def _parse_text(value: Any) -> str | None:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return text if text.strip() else None


PARSERS: dict[str, Callable[[Any], Any]] = {
    "varchar": _parse_text,
    "bigint": _parse_whole,
    "double": _parse_number,
    "decimal(18,4)": _parse_money,
    "boolean": _parse_boolean,
    "date": _parse_day,
    "timestamp": parse_moment,
}


# ---- accepted rows -----------------------------------------------------------------------------------


def _accepted(rows: pd.DataFrame, table: RawTable) -> pd.DataFrame:
    for column, codes in table.codes.items():
        known = {v: code(v, codes) for v in rows[column].dropna().unique()}
        rows[column] = kept(rows[column].map(known), rows[column].notna())
    for column in rows.columns[rows.columns.str.endswith("currency")]:
        rows[column] = kept(rows[column].map(lambda name: str(name).strip().upper()), rows[column].notna())
    if table.name == "survey_responses":
        aspect = rows["aspect"].where(rows["aspect"].notna(), "overall")
        made = rows["survey_type"].astype(str) + ":" + aspect.astype(str)
        rows["question_id"] = rows["question_id"].where(rows["question_id"].notna(), made)
    if table.name == "quality_reviews":
        rows["criterion"] = rows["criterion"].where(rows["criterion"].notna(), "overall")
    # A tombstone needs no more than its key.
    gone = true(rows["_deleted"]) & rows[[c for c in table.key if c in table.required]].notna().all(axis=1)
    rows = rows[gone | rows[list(table.required)].notna().all(axis=1)]
    if table.name == "service_hours":
        whole = rows.dropna(subset=["weekday", "opens_at", "closes_at"])
        hours = zip(whole["weekday"], whole["opens_at"], whole["closes_at"], strict=True)
        rows = rows.drop([at for at, each in zip(whole.index, hours, strict=True) if not are_hours(*each)])
    return rows


def code(value: str, codes: tuple[str, ...]) -> str:
    """`value` as one of `codes`, compared after trim and lower-case, else 'unknown'."""
    tidy = value.strip().lower()
    return tidy if tidy in codes else "unknown"


def _latest(rows: pd.DataFrame, table: RawTable) -> tuple[pd.DataFrame, int]:
    """The latest row of each key, without tombstones, and the number of keys with unlike latest rows."""
    if rows.empty:
        return rows.drop(columns=["_deleted"]), 0
    key = list(table.key)
    ties = 0
    if rows.duplicated(subset=key, keep=False).any():
        content = [c for c in rows.columns if c not in (*key, "_loaded_at")]
        many = rows[rows.duplicated(subset=key, keep=False)]
        newest = many[many["_loaded_at"] == many.groupby(key, dropna=False)["_loaded_at"].transform("max")]
        unlike = newest.drop_duplicates(subset=[*key, *content])
        ties = int(unlike.duplicated(subset=key).sum())
        # Of equal times a tombstone wins, then the largest values, column by column; a null, -1, is the least.
        marked = many.assign(_deleted=true(many["_deleted"]))
        columns = ["_loaded_at", "_deleted", *(c for c in table.columns if c not in key)]
        ranks = pd.DataFrame({c: pd.factorize(marked[c], sort=True)[0] for c in columns}, index=many.index)
        order = many.assign(**ranks).sort_values(columns, kind="stable")
        kept = order.drop_duplicates(subset=key, keep="last").index
        rows = rows.loc[rows.index.difference(many.index).union(kept)]
    alive = rows["_deleted"].map(lambda v: v is not True).astype(bool)
    return rows[alive].drop(columns=["_deleted"]).reset_index(drop=True), ties


def _own_time(rows: pd.DataFrame, table: RawTable, zone: str) -> pd.Series[Any] | None:
    column = table.own_time
    if column is None:
        return None
    if table.columns[column] == "timestamp":
        return rows[column]
    return Calendar(zone, 1, pd.Timestamp(0)).instants(rows[column])


def _latest_own_time(tables: dict[str, pd.DataFrame], zone: str) -> datetime | None:
    latest = []
    for name, table in raw_tables().items():
        times = _own_time(tables[name], table, zone)
        if times is not None and len(times):
            sound = times[times <= tables[name]["_loaded_at"] + pd.Timedelta(days=1)]
            latest += [sound.max()] if len(sound.dropna()) else []
    return max(latest).to_pydatetime() if latest else None


def _until(rows: pd.DataFrame, table: RawTable, calendar: Calendar) -> pd.DataFrame:
    """Rows that are not in the future."""
    times = _own_time(rows, table, calendar.zone_name)
    return rows if times is None else rows[~(times > calendar.as_of)].reset_index(drop=True)


def _known(rows: pd.DataFrame, table: RawTable, calendar: Calendar) -> pd.DataFrame:
    """Rows without times after as_of and without impossible values."""
    rows = rows.copy()
    for column, kind in table.columns.items():
        optional = column not in table.required
        if kind == "timestamp" and optional and column.endswith("_at") and column not in FUTURE_TENSE:
            rows[column] = rows[column].where(~(rows[column] > calendar.as_of))
        if optional and column.endswith(("_seconds", "_ms", "_count")):
            rows[column] = rows[column].where(~(rows[column] < 0))
    for start, end, goes in STARTS_AND_ENDS.get(table.name, []):
        rows[goes] = rows[goes].where(~(rows[end] < rows[start]))
    if table.name == "survey_responses":
        rows = _on_scale(rows, "score", rows["survey_type"].map(lambda kind: DEFAULT_SCALES.get(kind, (math.nan,) * 2)))
    if table.name == "reviews":
        rows = _on_scale(rows, "rating", pd.Series([(1.0, 5.0)] * len(rows), index=rows.index, dtype=object))
    if table.name == "page_audits":
        for column in ("performance_score", "accessibility_score"):
            rows[column] = rows[column].where(rows[column].between(0, 1))
    if table.name == "interactions":
        rows["recorded_outcome"] = rows["outcome"]
        derived = pd.Series(None, index=rows.index, dtype=object)
        derived[rows["enqueued_at"].notna()] = "abandoned_in_queue"
        derived[rows["answered_at"].notna()] = "answered"
        rows["outcome"] = rows["outcome"].where(rows["outcome"].notna(), derived)
    return rows


def _on_scale(rows: pd.DataFrame, score: str, default: pd.Series[Any]) -> pd.DataFrame:
    """Fill in the default scale and remove scores off it."""
    for position, column in enumerate(("scale_min", "scale_max")):
        ends = pd.Series([scale[position] for scale in default], index=rows.index, dtype=float)
        rows[column] = else_(rows[column], ends)
    off = (
        (rows[score] < rows["scale_min"]) | (rows[score] > rows["scale_max"]) | (rows["scale_min"] >= rows["scale_max"])
    )
    rows[score] = rows[score].where(~off)
    return rows


# ---- customers ---------------------------------------------------------------------------------------


def _resolve_customers(world: World) -> None:
    customers = world["customers"]
    world.erased = set(customers["customer_id"][customers["deleted_at"].notna()])
    world.without_consent = set(
        customers["customer_id"][customers["analytics_consent"].map(lambda v: v is False).astype(bool)]
    )
    links = world["customer_identities"]
    links = links[links["unlinked_at"].isna()]
    order = links.sort_values(["linked_at", "customer_id"], ascending=[False, True], na_position="last")
    first = order.drop_duplicates(subset="identity_value")
    world.identity = dict(zip(first["identity_value"], first["customer_id"], strict=True))
    for name, rows in world.tables.items():
        if "customer_id" not in rows or name in ("customers", "customer_identities"):
            continue
        resolved = rows["customer_id"]
        for column in ("visitor_id", "contact_address"):
            if column in rows:
                resolved = resolved.where(resolved.notna(), rows[column].map(world.identity))
        personal = [c for c in ("customer_id", "visitor_id", "contact_address", *TEXTS) if c in rows]
        erased = resolved.isin(world.erased)
        if name == "tickets":
            rows["requester_id"] = resolved  # whose own messages are no response
        if name == "web_events":
            rows["session_visitor"] = rows["visitor_id"]  # an erased visitor's sessions are still sessions
        if name in ("web_events", "ad_events"):
            rows["names_erased"] = rows["customer_id"].isin(world.erased)
            rows["refused"] = rows["customer_id"].isin(world.without_consent) | rows["names_erased"]
            rows["customer_id"] = kept(rows["customer_id"], ~rows["refused"])
        else:
            rows["customer_id"] = resolved
        for column in personal:
            rows[column] = kept(rows[column], rows[column].notna() & ~erased)


def _commonest_currency(tables: dict[str, pd.DataFrame]) -> str | None:
    for table in ("orders", "subscription_events"):
        counted = Counter(tables[table]["currency"].dropna())
        if counted:
            return str(min(counted, key=lambda currency: (-counted[currency], currency)))
    return None
