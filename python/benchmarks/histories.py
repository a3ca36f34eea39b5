"""The customers' histories as dbt makes them: anew, and on the day after, when some orders and returns have come.

The facts are drawn and written where dbt keeps them, with the versions and changes that a day's run would leave; from
there on it is the project's own models. CPU seconds are those of dbt's process while a model runs, one at a time.
"""

from __future__ import annotations

import json
import os
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from outside_in import clv  # its imports are not counted
from outside_in.paths import PROJECT

assert clv
FIRST_DAY, DAYS = date(2024, 7, 1), 730
HISTORIES = ("clv_histories",)
CELLS = (
    "clv_sampled_customers", "clv_snapshots", "clv_order_values", "clv_past_histories", "clv_cells", "clv_past_cells",
    "clv_spend_cells",
)  # fmt: skip
MODELS = ("clv_fits", "clv_backtests", "clv_choices", "clv_scores")
ROUNDS = 2

# Rates and lives that differ between customers (Pareto/NBD), segments that have nothing to do with it.
DRAWN = """
create schema drawn;
create macro drawn.chance(number, salt) as (hash(number, salt) % 1000003 + 0.5) / 1000003;
create table drawn.orders as
with customers as (
    select
        range as number,
        cast(floor(drawn.chance(range, 1) * {days}) as int) as first_day,
        least({days} - first_day, -ln(drawn.chance(range, 2)) * 400) as span,
        cast(floor(-ln(drawn.chance(range, 3)) * 0.0185 * span) as int) as repeats
    from range({customers})
),
orders as (
    select number, first_day, span, unnest(range(repeats + 1)) as place
    from customers
)
select
    'o' || number || '-' || place as order_id,
    'c' || lpad(cast(number as varchar), 9, '0') as customer_id,
    date '{first_day}' + first_day + case
        when place = 0 then 0 else cast(floor(drawn.chance(number * 1000 + place, 4) * span) as int)
    end as ordered_date,
    cast(10 + hash(number, place) % 9000 / 100e0 as decimal(28, 8)) as revenue_amount,
    hash(number, place, 5) % 12 = 0 as is_returned
from orders;
"""
# A return comes ten days after the order.
ARRIVED = {
    "fct_orders": """
        select order_id, customer_id, ordered_date, true as is_order, revenue_amount
        from drawn.orders where ordered_date {days}
    """,
    "fct_returns": """
        select
            order_id as return_id, order_id, customer_id, ordered_date + 10 as returned_date,
            -revenue_amount as revenue_amount
        from drawn.orders where is_returned and ordered_date + 10 {days}
    """,
}


def measure(customers: int, folder: Path) -> dict[str, Any]:
    """CPU seconds of the models of customer value, made anew and on the day after, alternated.

    Args:
        customers: how many; with five orders each over two years.
        folder: an empty folder to work in.

    Returns:
        customers, orders, distinct_histories, touched_customers; by group of models (histories, cells, models) the CPU
        seconds of making them anew (`rebuild`) and of a day (`day`); is_identical: whether the day's run gave what
        making them anew gives, by a hash of all rows.
    """
    dbt = _Dbt(folder)
    last = FIRST_DAY + timedelta(days=DAYS - 1)
    today = last - timedelta(days=ROUNDS)
    dbt.run("+customer_value_predictions", as_of=today)
    with dbt.database() as con:
        con.execute(DRAWN.format(customers=customers, days=DAYS, first_day=FIRST_DAY))
        for name, sql in ARRIVED.items():
            _insert(con, name, sql.format(days=f"<= date '{today}'"))
            _count_up(con, name, 2)
        con.execute(
            "insert into marts.dim_customers by name select distinct customer_id, case hash(customer_id) % 3"
            " when 0 then 'consumer' when 1 then 'pro' else 'small_business' end as segment from drawn.orders"
        )
        _count_up(con, "dim_customers", 2)
    selected = (*HISTORIES, *CELLS, *MODELS)
    spent: dict[str, list[dict[str, float]]] = {"rebuild": [dbt.run(*selected, as_of=today)], "day": []}
    is_identical, touched = True, 0
    for _ in range(ROUNDS):
        today += timedelta(days=1)
        with dbt.database() as con:
            touched = _arrive(con, today)
        dbt.run("stg_raw__as_of", as_of=today)
        spent["day"].append(dbt.run(*selected, as_of=today))
        kept = dbt.digests(selected)
        spent["rebuild"].append(dbt.run(*selected, as_of=today, anew=True))
        is_identical &= kept == dbt.digests(selected)
    with dbt.database() as con:
        counts = "select (select count(*) from marts.fct_orders), (select count(*) from predictions.clv_cells)"
        orders, distinct = con.execute(counts).fetchall()[0]
    groups = {"histories": HISTORIES, "cells": CELLS, "models": MODELS}
    return {
        "customers": customers,
        "orders": orders,
        "distinct_histories": distinct,
        "touched_customers": touched,
        "is_identical": is_identical,
        **{
            group: {how: mean(sum(run[name] for name in names) for run in runs) for how, runs in spent.items()}
            for group, names in groups.items()
        },
        "by_model": {how: runs[-1] for how, runs in spent.items()},
    }


class _Dbt:
    """dbt on this project and a database of its own, with no raw files."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "warehouse.duckdb"
        (folder / "raw").mkdir()
        os.environ |= {"RAW_DIR": str(folder / "raw"), "OUTSIDE_IN_DATABASE": str(self.path)}
        self.place = [
            "--quiet", "--no-version-check", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
            "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"), "--log-level-file", "none",
        ]  # fmt: skip
        parsed: Any = dbtRunner().invoke(["parse", *self.place])
        self.manifest = parsed.result

    def run(self, *models: str, as_of: date, anew: bool = False) -> dict[str, float]:
        """Run models and give the CPU seconds of each.

        Raises:
            RuntimeError: dbt failed.
        """
        began: dict[str, float] = {}
        spent: dict[str, float] = {}

        def follow(event: Any) -> None:
            if event.info.name in ("NodeStart", "NodeFinished"):
                times = began if event.info.name == "NodeStart" else spent
                times[event.data.node_info.node_name] = time.process_time()

        done: Any = dbtRunner(manifest=self.manifest, callbacks=[follow]).invoke(
            ["run", *self.place, "--threads", "1", "--vars", json.dumps({"as_of": f"{as_of} 23:00:00"}),
             *(["--full-refresh"] if anew else []), "--select", *models]
        )  # fmt: skip
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        if not done.success:
            raise RuntimeError(str(done.exception or [one.message for one in done.result]))
        return {name: ended - began[name] for name, ended in spent.items()}

    def database(self) -> duckdb.DuckDBPyConnection:
        """The database, between runs."""
        return duckdb.connect(str(self.path), config={"preserve_insertion_order": False, "memory_limit": "6GB"})

    def digests(self, models: tuple[str, ...]) -> list[Any]:
        """A hash of the rows of each table, in whatever order they are."""
        sql = "select count(*), sum(cast(hash(each) as hugeint)) from predictions.{} as each"
        with self.database() as con:
            return [con.execute(sql.format(name)).fetchall() for name in models]


def _arrive(con: duckdb.DuckDBPyConnection, today: date) -> int:
    """One more day, as staging and the facts would leave it; gives the number of customers with a changed row."""
    for name, sql in ARRIVED.items():
        con.execute(f"create or replace table changes.{name} as select * from marts.{name} where false")
        _insert(con, name, sql.format(days=f"= date '{today}'"), "changes")
        con.execute(f"insert into marts.{name} select * from changes.{name}")
    # Of orders of thirty days ago it is known now whether they came back: a change of a column, before and after.
    for _ in range(2):
        con.execute(
            f"insert into changes.fct_orders select * from marts.fct_orders where ordered_date = date '{today}' - 30"
        )
    for name in ARRIVED:
        _count_up(con, name, 1)
    found = con.execute(
        "select count(distinct customer_id) from (select customer_id from changes.fct_orders"
        " union all select customer_id from changes.fct_returns)"
    ).fetchall()
    return int(found[0][0])


def _insert(con: duckdb.DuckDBPyConnection, name: str, sql: str, schema: str = "marts") -> None:
    con.execute(f"insert into {schema}.{name} by name {sql}")


def _count_up(con: duckdb.DuckDBPyConnection, name: str, steps: int) -> None:
    con.execute(f"update kept.nodes set version = version + {steps} where name = 'model.outside_in.{name}'")
