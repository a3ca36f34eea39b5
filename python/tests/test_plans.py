"""No model's cost grows with the product of two tables: the plans of a built company tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.conftest import Built

NESTED_LOOPS = ("BLOCKWISE_NL_JOIN", "NESTED_LOOP_JOIN", "CROSS_PRODUCT")
# Quarters of a day, schedules, search engines: what a table is combined with on purpose stays this small.
FEW_ROWS = 100


def nested_loops(plan: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """The numbers of rows on both sides of each join that compares every row with every row."""
    sides = [side["operator_cardinality"] for side in plan["children"]]
    if plan.get("operator_name") in NESTED_LOOPS or plan.get("operator_type") in NESTED_LOOPS:
        yield sides[0], sides[1]
    for child in plan["children"]:
        yield from nested_loops(child)


def test_no_model_compares_all_rows_of_two_large_tables(built_sample: Built) -> None:
    compiled = built_sample.out / "dbt" / "target" / "compiled" / "outside_in" / "models"
    found: dict[str, list[tuple[int, int]]] = {}
    with built_sample.warehouse as con:
        con.execute("set TimeZone = 'UTC'")
        for model in sorted(path for path in compiled.rglob("*.sql") if path.is_file() and ".yml" not in str(path)):
            con.execute("explain (analyze, format json) " + model.read_text("utf-8"))
            plan = json.loads(con.fetchall()[0][1])
            found[model.stem] = list(nested_loops(plan))
    assert any(found.values()), "the plans name such joins otherwise"
    large = {name: [sides for sides in joins if min(sides) > FEW_ROWS] for name, joins in found.items()}
    assert not {name: joins for name, joins in large.items() if joins}
