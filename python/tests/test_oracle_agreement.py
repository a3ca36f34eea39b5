"""Every KPI equals the plain-Python oracle at every grain and dimension, in both directions.

Of the sample, and of companies whose rows changed in all the ways that `tests.arrivals` knows: late, doubled,
corrected, moved, relinked, broken, erased. `OUTSIDE_IN_SOAK=1` tries a hundred of these.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from outside_in.contract import kpis, raw_tables
from tests.arrivals import CHANGES, FAMILIES, Company
from tests.conftest import Built, build
from tests.oracle import compute
from tests.publishing_cases import SOAK

# Models' estimates have their own second way: test_predictions and test_churn.
PREDICTED = {"predicted_clv", "churn_risk", "value_at_risk"}
FIELDS = ("value", "numerator", "denominator", "sample_size")
# Their sample is time, not rows: both sides cut it into pieces of their own.
MEASURED_IN_TIME = {"uptime", "incident_minutes", "occupancy", "contacts_per_agent_hour", "loyalty_redemption_rate"}
# So do these where the reporting zone's hours begin at half past, as India's do.
CUT_BY_HOURS = {"staffed_share", "available_share"}
Cells = dict[str, dict[tuple[str, ...], tuple[float | None, ...]]]


def cells_of_oracle(raw: Path, dbt_vars: dict[str, Any]) -> Cells:
    """KPI to its cells as the oracle has them."""
    cells: Cells = defaultdict(dict)
    for (kpi, *key), row in compute(raw, dbt_vars).items():
        cells[kpi][tuple(map(str, key))] = tuple(row)
    return cells


def cells_of_marts(built: Built) -> Cells:
    """KPI to its cells as the marts have them."""
    cells: Cells = defaultdict(dict)
    with built.marts as con:
        rows = con.execute(
            f"select kpi_id, period_grain, cast(period_start as varchar), dimension_name, dimension_value,"
            f" {', '.join(FIELDS)} from marts.kpi_values"
        ).fetchall()
    for kpi, grain, start, dimension, member, *numbers in rows:
        cells[kpi][grain, start, dimension, member] = tuple(numbers)
    return cells


@pytest.fixture(scope="module")
def wanted(built_sample: Built) -> Cells:
    """The sample's cells as the oracle has them."""
    return cells_of_oracle(built_sample.raw, {})


@pytest.fixture(scope="module")
def found(built_sample: Built) -> Cells:
    """The sample's cells as the marts have them."""
    return cells_of_marts(built_sample)


def differ(want: float | None, have: float | None) -> bool:
    """Sums are exact decimals here and floats there: a relative 1e-9 is far below any row."""
    if want is None or have is None:
        return want is not have
    return not math.isclose(want, have, rel_tol=1e-9, abs_tol=1e-9)


def differences(kpi: str, wanted: Cells, found: Cells, measured_in_time: Collection[str]) -> list[str]:
    """What is not the same of a KPI in the oracle and the marts."""
    problems = [f"missing {key}: {row}" for key, row in wanted[kpi].items() if key not in found[kpi]]
    problems += [f"extra {key}: {row}" for key, row in found[kpi].items() if key not in wanted[kpi]]
    for key, want in wanted[kpi].items():
        have = found[kpi].get(key)
        if have and kpi in measured_in_time:
            want, have = want[:3], have[:3]
        if have and any(differ(a, b) for a, b in zip(want, have, strict=True)):
            problems.append(f"{key}: expected {want}, found {have}")
    return problems


@pytest.mark.parametrize("kpi", sorted(set(kpis()) - PREDICTED))
def test_marts_equal_the_oracle(kpi: str, wanted: Cells, found: Cells) -> None:
    problems = differences(kpi, wanted, found, MEASURED_IN_TIME)
    assert wanted[kpi], "the oracle has no value"
    assert not problems, f"{len(problems)} of {len(wanted[kpi])}:\n" + "\n".join(problems[:10])


@pytest.mark.parametrize("number", range(100 if SOAK else 2))
def test_marts_of_a_company_whose_rows_changed_equal_the_oracle(number: int, tmp_path: Path) -> None:
    chance, family = Random(number), list(FAMILIES)[number % len(FAMILIES)]
    company = Company(tmp_path / "raw", tuple(raw_tables()), FAMILIES[family].tables)
    company.found(tmp_path, FAMILIES[family])
    for _ in range(chance.choice((50, 200))):
        CHANGES[chance.choice((*FAMILIES[family].changes, *CHANGES))](company, chance)
    vars_file = tmp_path / "vars.yml"
    vars_file.write_text(yaml.safe_dump(company.vars), "utf-8")
    found = cells_of_marts(build(company.raw, tmp_path / "out", vars_file))
    wanted = cells_of_oracle(company.raw, company.vars)
    problems = {
        kpi: different[:3]
        for kpi in sorted(set(kpis()) - PREDICTED)
        if (different := differences(kpi, wanted, found, MEASURED_IN_TIME | CUT_BY_HOURS))
    }
    assert not problems
    assert len(wanted) > 100, "hardly any KPI has a value"
