"""What a delivery looked like, kept for the next: so that a change nobody announced is seen when it arrives.

Of each table the rows landed since the run before are described by figures: how many, which share of each column is
filled, how codes are mixed, what numbers are on average. They are compared with the median of the runs before. Nothing
of a row is stored, and no clock is read: a run's date is the latest landing time in its data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from outside_in.contract import LANDED_AT, RawTable
from outside_in.validation.inspection import column_types, literal, quote

KEPT_RUNS = 30
COMPARED_RUNS = 7
# Shares of fewer rows move by chance alone.
MIN_ROWS = 100
MAX_FILLED_CHANGE = 0.1
MAX_MIX_CHANGE = 0.2
MAX_MEAN_CHANGE = 1.0  # in standard deviations
MAX_SHRINKING = 0.02
ARRIVAL_BAND = (0.3, 3.0)
MIN_RUNS = 3  # a usual number of arrivals takes some runs to know
NUMBERS = ("double", "decimal(18,4)", "bigint")


@dataclass(frozen=True)
class Figures:
    """One table in one run.

    Attributes:
        landed_until: its latest landing time, ISO 8601 in UTC.
        total: all its rows.
        rows: the rows that landed since the run before; what follows is of these.
        filled: column to the share of rows with a readable value.
        mixes: coded column to accepted code to its share; what is no accepted code counts as `unknown`.
        means: numeric column to its mean and standard deviation.
    """

    landed_until: str
    total: int
    rows: int
    filled: dict[str, float] = field(default_factory=dict)
    mixes: dict[str, dict[str, float]] = field(default_factory=dict)
    means: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A figure that is not what it was: what it is of, its value now and before."""

    what: str
    now: float
    before: float


History = dict[str, list[Figures]]


def read_history(path: Path) -> History:
    """The figures of earlier runs by table, the oldest first; none where there are none yet."""
    try:
        stored = json.loads(path.read_text("utf-8"))["tables"]
        return {table: [Figures(**run) for run in runs] for table, runs in stored.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_history(history: Mapping[str, list[Figures]], path: Path) -> None:
    """Store the figures, of the last runs only."""
    tables = {table: [asdict(run) for run in runs[-KEPT_RUNS:]] for table, runs in sorted(history.items())}
    path.write_text(json.dumps({"version": 1, "tables": tables}, indent=1) + "\n", "utf-8")


def earlier(runs: list[Figures], landed_until: str) -> list[Figures]:
    """The runs before the one whose data reach to `landed_until`: the same data again is the same run again."""
    return [run for run in runs if run.landed_until < landed_until]


def figures(
    con: duckdb.DuckDBPyConnection, table: RawTable, columns: Mapping[str, bool], runs: list[Figures]
) -> Figures | None:
    """Describe a table's typed view; this reads every value of it.

    Args:
        con: where the view is.
        table: its contract.
        columns: the columns it has.
        runs: its figures of earlier runs.

    Returns:
        Its figures; None for a table without rows.

    Raises:
        duckdb.Error: where a file is damaged.
    """
    landed_until, total = con.execute(f"select max({LANDED_AT}), count(*) from {quote(table.name)}").fetchall()[0]
    if not total:
        return None
    before = earlier(runs, str(landed_until))
    types = column_types(table)
    have = [column for column in columns if column != LANDED_AT]
    asked = {"rows": "count(*)"}
    for column in have:
        name = quote(column)
        asked[f"filled {column}"] = f"count({name})"
        if types[column] in NUMBERS:
            number = f"cast({name} as double)"
            asked[f"mean {column}"] = f"avg({number})"
            asked[f"deviation {column}"] = f"stddev_pop({number})"
        elif types[column] == "varchar":
            # Read through to the last byte, so that a damaged file is found here.
            asked[f"length {column}"] = f"max(length({name}))"
    new = f"{LANDED_AT} > timestamp {literal(before[-1].landed_until)}" if before else "true"
    answers = con.execute(f"select {', '.join(asked.values())} from {quote(table.name)} where {new}").fetchall()[0]
    found: dict[str, Any] = dict(zip(asked, answers, strict=True))
    rows = int(found["rows"])
    mixes = {}
    for column, codes in table.codes.items():
        if column in have and (filled := found[f"filled {column}"]):
            # Counted in groups: a condition per code would look at every value as often as there are codes.
            name, listed = quote(column), ", ".join(map(literal, codes))
            counted = con.execute(
                f"select {name}, count(*) from {quote(table.name)} where {new} and {name} in ({listed}) group by all"
            )
            counts = dict(counted.fetchall())
            shares = {code: counts.get(code, 0) / filled for code in codes if code != "unknown"}
            mixes[column] = {**shares, "unknown": 1 - sum(shares.values())}
    return Figures(
        str(landed_until),
        int(total),
        rows,
        {column: found[f"filled {column}"] / rows for column in have} if rows else {},
        mixes,
        {
            column: (_short(mean), _short(found[f"deviation {column}"]))
            for column in have
            if (mean := found.get(f"mean {column}")) is not None
        },
    )


def _short(number: float) -> float:
    """Six digits: threads add up in any order, which the last digits show."""
    return float(f"{number:.6g}")


def changes(now: Figures, runs: list[Figures]) -> Iterator[Change]:
    """What is not as in the runs before, as far as the rows are enough to tell."""
    before = earlier(runs, now.landed_until)
    if not before:
        return
    if now.total < (1 - MAX_SHRINKING) * before[-1].total:
        yield Change("rows in all", now.total, before[-1].total)
    arrived = [run.rows for run in before[1:][-COMPARED_RUNS:]]  # the first run's are all there were
    if len(arrived) >= MIN_RUNS and median(arrived) >= MIN_ROWS:
        low, high = (bound * median(arrived) for bound in ARRIVAL_BAND)
        if not low <= now.rows <= high:
            yield Change("rows landed since the run before", now.rows, median(arrived))
    usual = [run for run in before if run.rows >= MIN_ROWS][-COMPARED_RUNS:]
    if now.rows < MIN_ROWS or not usual:
        return
    for column, share in now.filled.items():
        was = [run.filled[column] for run in usual if column in run.filled]
        if was and abs(share - median(was)) > MAX_FILLED_CHANGE:
            yield Change(f"share of {column} that is filled", share, median(was))
    for column, mix in now.mixes.items():
        mixed = [run.mixes[column] for run in usual if column in run.mixes]
        usually = {code: median(run.get(code, 0.0) for run in mixed) for code in mix} if mixed else mix
        if sum(abs(mix[code] - usually[code]) for code in mix) / 2 > MAX_MIX_CHANGE:
            moved = max(mix, key=lambda code: (abs(mix[code] - usually[code]), code))
            yield Change(f"share of {column} that is {moved}", mix[moved], usually[moved])
    for column, (mean, _) in now.means.items():
        known = [run.means[column] for run in usual if column in run.means]
        if known:
            usual_mean, spread = median(mean for mean, _ in known), median(spread for _, spread in known)
            if spread and abs(mean - usual_mean) > MAX_MEAN_CHANGE * spread:
                yield Change(f"mean of {column}", mean, usual_mean)
