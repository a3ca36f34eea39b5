"""What the tests of publishing share: builds of a few rows, and a reader who looks all the while.

`python -m tests.publishing_cases fill_the_disk FOLDER` publishes on a disk without room, in a process of its own.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import duckdb

from outside_in.paths import Output
from outside_in.publishing import publish, states

ROWS = 5000
SOAK = bool(os.environ.get("OUTSIDE_IN_SOAK"))


def write_build(output: Output, value: int, erased: Iterable[str] = (), rows: int = ROWS) -> None:
    """A build whose marts hold `value` in every row."""
    output.built.parent.mkdir(parents=True, exist_ok=True)
    output.built.unlink(missing_ok=True)
    with duckdb.connect(str(output.built)) as con:
        con.execute(f"""
            create schema marts;
            create schema staging;
            create table marts.run_context as select timestamp '2026-01-01' + {value} * interval 1 day as as_of;
            create table marts.kpi_values as select {value} as value, random() as noise from range({rows});
            create table marts.fct_orders as select {value} as value from range({rows});
            create table staging.secret as select 'name' as value;
            create table staging.stg_raw__erased_customers (customer_id varchar);
            create table staging.stg_raw__erased_identities (identity_value varchar);
            comment on column marts.kpi_values.value is 'What it''s worth.';
        """)
        for name in erased:
            con.execute("insert into staging.stg_raw__erased_customers values (?)", [name])


def write_kept_build(output: Output, orders: dict[int, int], version: int, changed: Iterable[int] = ()) -> None:
    """Go on with a build whose `fct_orders`, values by id, is of a version; the step before it changed some ids."""
    if not output.built.exists():
        write_build(output, 0)
    with duckdb.connect(str(output.built)) as con:
        con.execute("create schema if not exists kept; create schema if not exists changes")
        con.execute("create table if not exists kept.database as select uuid() as id")
        con.execute("create or replace table marts.fct_orders (order_id bigint, value bigint)")
        con.executemany("insert into marts.fct_orders values (?, ?)", list(orders.items()))
        con.execute("create or replace table changes.fct_orders as from marts.fct_orders where false")
        for order_id in changed:
            con.execute("insert into changes.fct_orders values (?, 0)", [order_id])
        con.execute(f"""
            create or replace table kept.nodes as
            from (values
                ('model.outside_in.fct_orders', {version}, '["order_id"]'),
                ('model.outside_in.kpi_values', 1, '[]')
            ) as tables (name, version, unique_key)
        """)


def contents(database: Path) -> dict[str, tuple[Any, ...]]:
    """Each published mart's number of rows and a sum over all of its values, whatever their order; both forms agree."""
    with duckdb.connect(str(database), read_only=True) as con:
        tables = [row[0] for row in con.execute("select table_name from duckdb_tables()").fetchall()]
        forms = [
            {
                table: con.execute(f"select count(*), sum(hash(mart)) from {relation} as mart").fetchall()[0]
                for table, relation in relations.items()
            }
            for relations in (
                {table: f"marts.{table}" for table in sorted(tables)},
                {file.stem: f"'{file}'" for file in sorted((database.parent / "parquet").iterdir())},
            )
        ]
    assert forms[0] == forms[1]
    return forms[0]


def seen(folder: Path) -> int:
    """The one value that a state's tables hold, as a reader of its DuckDB file and of its Parquet files finds it."""
    values = set()
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
        for table in ("kpi_values", "fct_orders"):
            for relation in (f"marts.{table}", f"'{folder / 'parquet' / table}.parquet'"):
                found = con.execute(f"select min(value), max(value), count(*) from {relation}").fetchall()
                values.add(found[0])
    assert len(values) == 1, values
    low, high, rows = values.pop()
    assert low == high and rows == ROWS, (low, high, rows)
    return int(low)


def keep_reading(link: Path, stop: Event, findings: Queue[str | int]) -> None:
    """Read what is published until told to stop; report each new value, and whatever is wrong."""
    last = 0
    while not stop.is_set():
        try:
            value = seen(link.resolve(strict=True))
            if value < last:
                findings.put(f"{value} after {last}")
            elif value > last:
                findings.put(value)
            last = value
        except Exception as error:
            findings.put(f"after {last}: {error!r}")
        time.sleep(0.002)


def fill_the_disk(root: Path) -> None:
    """Publish without room for it, and again with room."""
    output = Output(root)
    write_build(output, 1)
    publish(output)
    write_build(output, 2, rows=2_000_000)
    # A disk of our own is filled up; on any other, files must stay small.
    free = shutil.disk_usage(root).free
    ballast, limits = root / "ballast", resource.getrlimit(resource.RLIMIT_FSIZE)
    if free < 1 << 30:
        ballast.write_bytes(b"\1" * (free - 1_000_000))
    else:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        publish(output)
    except (duckdb.Error, OSError) as error:
        print(f"refused: {error}")
    else:
        raise AssertionError("published without room")
    assert seen(output.link) == 1
    assert [path.name for path in output.states.iterdir()] == ["1"], "the draft takes no room"
    with suppress(FileNotFoundError):
        ballast.unlink()
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    write_build(output, 2)
    publish(output)
    assert seen(output.link) == 2 and [state.number for state in states(output)] == [1, 2]
    print("published with room")


if __name__ == "__main__":
    {"fill_the_disk": fill_the_disk}[sys.argv[1]](Path(sys.argv[2]))
