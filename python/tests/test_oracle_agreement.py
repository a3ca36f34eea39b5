"""Every KPI of the sample equals the plain-Python oracle at every grain and dimension, in both directions."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest

from outside_in.contract import kpis
from tests.conftest import Built
from tests.oracle import compute

# Models' estimates have their own second way: test_predictions and test_churn.
PREDICTED = {"predicted_clv", "churn_risk", "value_at_risk"}
FIELDS = ("value", "numerator", "denominator", "sample_size")
# Their sample is time, not rows: both sides cut it into pieces of their own.
MEASURED_IN_TIME = {"uptime", "incident_minutes", "occupancy", "contacts_per_agent_hour", "loyalty_redemption_rate"}
Cells = dict[str, dict[tuple[str, ...], tuple[float | None, ...]]]


@pytest.fixture(scope="module")
def wanted(built_sample: Built) -> Cells:
    """KPI to its cells as the oracle has them."""
    cells: Cells = defaultdict(dict)
    for (kpi, *key), row in compute(built_sample.raw, {}).items():
        cells[kpi][tuple(map(str, key))] = tuple(row)
    return cells


@pytest.fixture(scope="module")
def found(built_sample: Built) -> Cells:
    """KPI to its cells as the marts have them."""
    cells: Cells = defaultdict(dict)
    with built_sample.marts as con:
        rows = con.execute(
            f"select kpi_id, period_grain, cast(period_start as varchar), dimension_name, dimension_value,"
            f" {', '.join(FIELDS)} from marts.kpi_values"
        ).fetchall()
    for kpi, grain, start, dimension, member, *numbers in rows:
        cells[kpi][grain, start, dimension, member] = tuple(numbers)
    return cells


def differ(want: float | None, have: float | None) -> bool:
    """Sums are exact decimals here and floats there: a relative 1e-9 is far below any row."""
    if want is None or have is None:
        return want is not have
    return not math.isclose(want, have, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("kpi", sorted(set(kpis()) - PREDICTED))
def test_marts_equal_the_oracle(kpi: str, wanted: Cells, found: Cells) -> None:
    problems = [f"missing {key}: {row}" for key, row in wanted[kpi].items() if key not in found[kpi]]
    problems += [f"extra {key}: {row}" for key, row in found[kpi].items() if key not in wanted[kpi]]
    for key, want in wanted[kpi].items():
        have = found[kpi].get(key)
        if have and kpi in MEASURED_IN_TIME:
            want, have = want[:3], have[:3]
        if have and any(differ(a, b) for a, b in zip(want, have, strict=True)):
            problems.append(f"{key}: expected {want}, found {have}")
    assert wanted[kpi], "the oracle has no value"
    assert not problems, f"{len(problems)} of {len(wanted[kpi])}:\n" + "\n".join(problems[:10])
