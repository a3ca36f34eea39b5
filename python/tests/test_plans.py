"""No model's cost grows with the product of two tables, nor its sums with the order of rows: plans tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from tests.conftest import Built

NESTED_LOOPS = ("BLOCKWISE_NL_JOIN", "NESTED_LOOP_JOIN", "CROSS_PRODUCT")
# Quarters of a day, schedules, search engines: what a table is combined with on purpose stays this small.
FEW_ROWS = 100
# Counts, which doubles hold exactly.
SUMS_OF_WHOLE_DOUBLES = {"int_availability__segments", "kpi_cells__quantiles"}


def compiled_models(built: Built) -> list[Path]:
    """The SQL of every model of a build."""
    compiled = built.out / "dbt" / "target" / "compiled" / "outside_in" / "models"
    return sorted(path for path in compiled.rglob("*.sql") if path.is_file() and ".yml" not in str(path))


def nested_loops(plan: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """The numbers of rows on both sides of each join that compares every row with every row."""
    sides = [side["operator_cardinality"] for side in plan["children"]]
    if plan.get("operator_name") in NESTED_LOOPS or plan.get("operator_type") in NESTED_LOOPS:
        yield sides[0], sides[1]
    for child in plan["children"]:
        yield from nested_loops(child)


def test_no_model_compares_all_rows_of_two_large_tables(built_sample: Built) -> None:
    found: dict[str, list[tuple[int, int]]] = {}
    with built_sample.warehouse as con:
        con.execute("set TimeZone = 'UTC'")
        for model in compiled_models(built_sample):
            con.execute("explain (analyze, format json) " + model.read_text("utf-8"))
            plan = json.loads(con.fetchall()[0][1])
            found[model.stem] = list(nested_loops(plan))
    assert any(found.values()), "the plans name such joins otherwise"
    large = {name: [sides for sides in joins if min(sides) > FEW_ROWS] for name, joins in found.items()}
    assert not {name: joins for name, joins in large.items() if joins}


def sums_doubles(plan: Any) -> bool:
    """Whether a bound plan adds up doubles, in a group or a window: the last digits are then those of an order."""
    if isinstance(plan, list):
        return any(map(sums_doubles, plan))
    if not isinstance(plan, dict):
        return False
    is_sum = plan.get("expression_class") in ("BOUND_AGGREGATE", "BOUND_WINDOW") and plan.get("name") in ("sum", "avg")
    return (is_sum and plan["return_type"]["id"] in ("DOUBLE", "FLOAT")) or sums_doubles(list(plan.values()))


def bound_plan(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    """The plan of a query with the types of its expressions; empty where it scans a CSV, which DuckDB cannot write."""
    [(text,)] = con.execute("select json_serialize_plan(?, optimize := false)", [sql]).fetchall()
    plan: dict[str, Any] = json.loads(text)
    assert not plan["error"] or plan["error_type"] == "not implemented", plan
    return {} if plan["error"] else plan


def test_no_model_adds_up_doubles(built_sample: Built) -> None:
    """Threads change the order of rows; decimals and whole numbers add up to the same bits in any."""
    with built_sample.warehouse as con:
        plans = {model.stem: bound_plan(con, model.read_text("utf-8")) for model in compiled_models(built_sample)}
    assert sum(map(bool, plans.values())) > 0.9 * len(plans)
    assert {name for name, plan in plans.items() if sums_doubles(plan)} == SUMS_OF_WHOLE_DOUBLES
