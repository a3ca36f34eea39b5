"""CLV side by side with lifetimes: fit, P(active), expected orders, spend and 12 months of discounted value.

Both start from the same table of customers, read before, in a DuckDB file. lifetimes takes the customers into memory;
outside_in groups them to cells in the database, fits and scores the cells, and joins the scores back to the customers.
Neither stores its scores: that costs both the same. They run alternated, each in its own process with one thread;
imports are not counted. Ratios carry over to other machines, seconds do not.

Then what the warehouse adds: the customers' histories made anew and on the day after (benchmarks/histories.py).

    make bench-models CUSTOMERS="100000 1000000"
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

HORIZON_DAYS = 365
DISCOUNT_RATE = 0.1
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Pareto/NBD of lifetimes takes minutes beyond this.
PARETO_SIZE = 100_000
GOALS = {
    ("bg_nbd", "weekly", 1_000_000): (75, 4),
    ("bg_nbd", "daily", 1_000_000): (60, 4),
    ("bg_nbd", "weekly", 10_000_000): (150, 6),
    ("pareto_nbd", "weekly", 100_000): (100, None),
}


def main() -> None:
    """Measure what the arguments name; print a table, write JSON and a chart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000], help="numbers of customers")
    parser.add_argument("--clocks", nargs="+", default=["weekly", "daily"], choices=["weekly", "daily"])
    parser.add_argument("--models", nargs="+", default=["bg_nbd", "pareto_nbd"], choices=["bg_nbd", "pareto_nbd"])
    parser.add_argument("--parts", nargs="+", default=["library", "warehouse"], choices=["library", "warehouse"])
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--out", type=Path, default=Path(".outside-in/benchmarks"))
    parser.add_argument("--worker", nargs=4, metavar=("WHAT", "MODEL", "CLOCK", "DATABASE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        what, model, clock, database = arguments.worker
        print(json.dumps(_measure(what, model, clock, Path(database), arguments.sizes[0])))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = []
    for size in arguments.sizes if "library" in arguments.parts else []:
        for clock in arguments.clocks:
            for model in arguments.models:
                if model == "bg_nbd" or size <= PARETO_SIZE:
                    repeats = arguments.repeats if size < 10_000_000 else 1
                    results.append(_compare(model, clock, size, repeats))
                    print(_line(results[-1]), flush=True)
    if results:
        (arguments.out / "models.json").write_text(json.dumps(results, indent=2) + "\n", "utf-8")
        _chart(results, arguments.out / "models.svg")
        print(f"written: {arguments.out / 'models.json'}, {arguments.out / 'models.svg'}")
    warehouse = []
    for size in arguments.sizes if "warehouse" in arguments.parts else []:
        with tempfile.TemporaryDirectory(dir=arguments.out) as folder:
            warehouse.append(_run("warehouse", "", "", Path(folder), size))
        print(_warehouse_line(warehouse[-1]), flush=True)
    if warehouse:
        (arguments.out / "histories.json").write_text(json.dumps(warehouse, indent=2) + "\n", "utf-8")
        print(f"written: {arguments.out / 'histories.json'}")


def _compare(model: str, clock: str, size: int, repeats: int) -> dict[str, Any]:
    """Both sides, alternated, on the same customers."""
    runs: dict[str, list[dict[str, Any]]] = {"outside_in": [], "lifetimes": []}
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "customers.duckdb"
        planted = _run("customers", model, clock, database, size)
        for turn in range(repeats):
            for side, done in runs.items():
                print(f"… {model}, {clock}, {size:,}: {side} {turn + 1}/{repeats}", file=sys.stderr, flush=True)
                done.append(_run(side, model, clock, database, size))
    result: dict[str, Any] = {
        "model": model,
        "clock": clock,
        "customers": size,
        "cells": runs["outside_in"][0]["cells"],
    }
    for measure in ("cpu_seconds", "extra_mb"):
        ours, theirs = (statistics.median(run[measure] for run in runs[side]) for side in runs)
        result |= {f"outside_in_{measure}": ours, f"lifetimes_{measure}": theirs, f"{measure}_ratio": theirs / ours}
    ours, theirs = (runs[side][0] for side in runs)
    result["largest_parameter_difference"] = max(
        abs(value / theirs["estimates"][name] - 1) for name, value in ours["estimates"].items()
    )
    for measure in ("orders", "value"):
        result[f"{measure}_expected_to_actual"] = ours[measure] / planted[measure]
    return result


def _run(what: str, model: str, clock: str, database: Path, size: int) -> dict[str, Any]:
    """One side in a process of its own."""
    worker = ["--sizes", str(size), "--worker", what, model, clock, str(database)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.models", *worker],
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _measure(what: str, model: str, clock: str, database: Path, size: int) -> dict[str, Any]:
    """CPU seconds and memory beyond what the imports took."""
    if what == "warehouse":
        from benchmarks.histories import measure

        return measure(size, database)
    prepare: dict[str, Callable[[], Callable[[], dict[str, Any]]]] = {
        "customers": lambda: lambda: _customers(model, clock, database, size),
        "outside_in": lambda: _outside_in(model, database),
        "lifetimes": lambda: _lifetimes(model, clock, database),
    }
    work = prepare[what]()
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall_seconds": time.perf_counter() - started,
        "extra_mb": (after.ru_maxrss - before.ru_maxrss) / 1024,
        **found,
    }


def _customers(model: str, clock: str, database: Path, size: int) -> dict[str, Any]:
    """A year of customers who came in its first half, as a table of the database; weekly: ages in whole weeks."""
    from benchmarks.simulation import simulate

    customers = simulate(model, size, seed=1, days=364, entry_days=182, horizon_days=HORIZON_DAYS)
    if clock == "weekly":
        # Rounded up, and orders of one week are one: as where only weeks are known.
        for column in ("recency_days", "age_days"):
            customers[column] = -(-customers[column] // 7) * 7
    with duckdb.connect(str(database)) as con:
        con.register("drawn", customers)
        con.execute("create table customers as select row_number() over () as customer_id, * from drawn")
    return {"orders": int(customers["horizon_orders"].sum()), "value": float(customers["horizon_value"].sum())}


def _outside_in(model: str, database: Path) -> Callable[[], dict[str, Any]]:
    import pandas as pd

    from outside_in import clv

    con = _read(database)

    def work() -> dict[str, Any]:
        cells = con.execute(
            """
            select frequency, recency_days, age_days, count(*) as customer_count
            from customers
            group by all
            order by all
            """
        ).df()
        # Means within 1 / 4000 of each other are one cell: the likelihood is smooth, and estimates move by some 1e-7.
        spend_cells = con.execute(
            """
            select
                frequency,
                exp(round(ln(mean_order_value) * 4000) / 4000) as mean_order_value,
                count(*) as customer_count
            from customers
            where frequency > 0
            group by all
            order by all
            """
        ).df()
        transactions, spend = clv.fit(model, cells), clv.fit_gamma_gamma(spend_cells)
        scores = clv.score(transactions, cells, HORIZON_DAYS, DISCOUNT_RATE)
        con.register("scores", pd.DataFrame({**cells, **scores}, copy=False))
        p, q, v = spend.estimates.values()
        columns = ("active_customers", "orders", "value", "clv")
        sums = con.execute(
            """
            with valued as (
                select
                    probability_active,
                    expected_orders,
                    discounted_orders,
                    $p * ($v + frequency * coalesce(mean_order_value, 0)) / ($p * frequency + $q - 1) as order_value
                from customers
                inner join scores using (frequency, recency_days, age_days)
            )

            select
                sum(probability_active),
                sum(expected_orders),
                sum(expected_orders * order_value),
                sum(discounted_orders * order_value)
            from valued
            """,
            {"p": p, "q": q, "v": v},
        ).fetchall()[0]
        return {
            "estimates": transactions.estimates | spend.estimates,
            "cells": len(cells),
            **dict(zip(columns, sums, strict=True)),
        }

    return work


def _lifetimes(model: str, clock: str, database: Path) -> Callable[[], dict[str, Any]]:
    warnings.simplefilter("ignore")
    import lifetimes  # type: ignore[import-untyped]  # of 2020, without types

    con = _read(database)
    unit, months = (7, "W") if clock == "weekly" else (1, "D")
    fitter = {"bg_nbd": lifetimes.BetaGeoFitter, "pareto_nbd": lifetimes.ParetoNBDFitter}[model]()

    def work() -> dict[str, Any]:
        customers = con.execute(
            "select frequency, recency_days, age_days, coalesce(mean_order_value, 0) as value from customers"
        ).df()
        frequency, value = customers["frequency"], customers["value"]
        history = (frequency, customers["recency_days"] / unit, customers["age_days"] / unit)
        fitter.fit(*history)
        fitter.conditional_probability_alive(*history)
        fitter.conditional_expected_number_of_purchases_up_to_time(HORIZON_DAYS / unit, *history)
        spend = lifetimes.GammaGammaFitter()
        bought = frequency > 0
        spend.fit(frequency[bought], value[bought])
        spend.conditional_expected_average_profit(frequency, value)
        spend.customer_lifetime_value(
            fitter, *history, value, time=12, discount_rate=(1 + DISCOUNT_RATE) ** (1 / 12) - 1, freq=months
        )
        estimates = fitter.params_.to_dict()
        in_weeks = {name: estimates[name] * unit / 7 for name in ("alpha", "beta") if name in estimates}
        return {"estimates": estimates | in_weeks | spend.params_.to_dict()}

    return work


def _read(database: Path) -> duckdb.DuckDBPyConnection:
    """The database with its customers in memory, as the step that wrote them leaves them."""
    con = duckdb.connect(str(database), read_only=True, config={"threads": 1})
    con.execute("select sum(hash(customers)) from customers").fetchall()
    return con


def _line(result: dict[str, Any]) -> str:
    key = (result["model"], result["clock"], result["customers"])
    cpu_goal, memory_goal = GOALS.get(key, (None, None))
    return (
        f"{result['model']:>10} {result['clock']:>6} {result['customers']:>10,} ({result['cells']:,} cells): CPU "
        f"{result['outside_in_cpu_seconds']:.3f} s, lifetimes {result['lifetimes_cpu_seconds']:.2f} s = "
        f"{result['cpu_seconds_ratio']:.0f} x{f' (goal {cpu_goal})' if cpu_goal else ''}; memory "
        f"{result['outside_in_extra_mb']:.0f} MB, {result['lifetimes_extra_mb']:.0f} MB = "
        f"{result['extra_mb_ratio']:.1f} x{f' (goal {memory_goal})' if memory_goal else ''}; parameters within "
        f"{result['largest_parameter_difference']:.0e}; orders expected / actual "
        f"{result['orders_expected_to_actual']:.3f}, value {result['value_expected_to_actual']:.3f}"
    )


def _warehouse_line(found: dict[str, Any]) -> str:
    histories, cells, models = (found[group] for group in ("histories", "cells", "models"))
    share = models["rebuild"] / (histories["rebuild"] + cells["rebuild"])
    return (
        f" warehouse {found['customers']:>17,} customers, {found['orders']:,} orders: histories anew "
        f"{histories['rebuild']:.1f} s CPU, a day of {found['touched_customers']:,} customers {histories['day']:.2f} s "
        f"= {histories['rebuild'] / histories['day']:.0f} x (goal 50), "
        f"{'identical' if found['is_identical'] else 'NOT IDENTICAL'}; sample and cells {cells['rebuild']:.1f} s; "
        f"models {models['rebuild']:.1f} s = {share:.0%} of both (goal 15 %)"
    )


def _chart(results: list[dict[str, Any]], path: Path) -> None:
    import altair as alt
    import pandas as pd

    rows = pd.DataFrame(
        {
            "what": [f"{row['model']}, {row['clock']}, {row['customers']:,}" for row in results],
            "CPU": [row["cpu_seconds_ratio"] for row in results],
            "memory": [row["extra_mb_ratio"] for row in results],
        }
    )
    (
        alt.Chart(rows.melt("what", var_name="measure", value_name="times"))
        .mark_bar()
        .encode(
            alt.X("times:Q", title="lifetimes / outside_in (times)"),
            alt.Y("what:N", title=None, sort=None),
            alt.Row("measure:N", title=None),
        )
        .resolve_scale(x="independent")
        .save(path)
    )


if __name__ == "__main__":
    main()
