"""Intervals and the judgement of changes, worked out a second time: from the facts' rows, and with scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats  # type: ignore[import-untyped]  # SciPy ships no types

from tests.conftest import Built

SERIES = ["kpi_id", "period_grain", "dimension_name", "dimension_value"]
BEFORE = {
    "day": pd.DateOffset(days=1),
    "week": pd.DateOffset(days=7),
    "month": pd.DateOffset(months=1),
    "quarter": pd.DateOffset(months=3),
    "year": pd.DateOffset(months=12),
}
NORMAL = float(stats.norm.ppf(0.975))


@pytest.fixture(scope="module")
def values(built_sample: Built) -> pd.DataFrame:
    """kpi_values, each row with the kind and the standard error that its cell has."""
    with built_sample.warehouse as con:
        families = con.sql("select table_name from duckdb_tables() where table_name like 'kpi!_cells!_!_%' escape '!'")
        cells = " union all ".join(
            f"select {', '.join(SERIES)}, period_start, kind, standard_error from kpi_parts.{name}"
            for (name,) in families.fetchall()
        )
        found = con.sql(
            f"select this.*, kind, standard_error from marts.kpi_values as this join ({cells}) as cells"
            f" using ({', '.join(SERIES)}, period_start)"
        ).df()
        assert len(found) == con.sql("select * from marts.kpi_values").shape[0]
    return found


def registered(built: Built, kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Table, KPI and registry entry of each KPI of a kind that one fact alone feeds, overall included."""
    entries = [
        (f"{node['schema']}.{node['name']}", kpi, entry)
        for node in built.manifest["nodes"].values()
        for kpi, entry in node["config"].get("meta", {}).get("kpis", {}).items()
    ]
    fed = [kpi for _, kpi, _ in entries]
    return [
        (table, kpi, entry)
        for table, kpi, entry in entries
        if entry["kind"] == kind and fed.count(kpi) == 1 and entry.get("overall", True)
    ]


@pytest.mark.parametrize(("kind", "factor"), [("mean", 1), ("nps", 100)])
def test_a_mean_and_its_interval_are_those_of_the_facts_rows(
    built_sample: Built, values: pd.DataFrame, kind: str, factor: int
) -> None:
    """Student's interval of a mean; of an NPS the normal one, from the exact variance of 1, 0 and -1."""
    overall = values[(values.period_grain == "all") & (values.dimension_name == "overall")].set_index("kpi_id")
    checked = 0
    for table, kpi, entry in registered(built_sample, kind):
        with built_sample.warehouse as con:
            rows = con.sql(
                f"select cast({entry['measure']} as double) as measure from {table}"
                f" where {entry['date']} is not null and {entry['measure']} is not null"
            ).fetchnumpy()["measure"]
        rows = np.asarray(rows) * factor
        if len(rows) < 2 or kpi not in overall.index:
            continue
        critical, lost = (stats.t.ppf(0.975, len(rows) - 1), 1) if kind == "mean" else (NORMAL, 0)
        half = critical * rows.std(ddof=lost) / np.sqrt(len(rows))
        have = overall.loc[kpi]
        assert have.value == pytest.approx(rows.mean(), rel=1e-9, abs=1e-12), kpi
        # Above 30 degrees of freedom t is an expansion, good to eight digits.
        assert (have.ci_low, have.ci_high) == pytest.approx((rows.mean() - half, rows.mean() + half), rel=1e-7), kpi
        checked += 1
    assert checked >= {"mean": 10, "nps": 1}[kind]


def test_ends_of_a_shares_interval_are_the_shares_it_could_just_come_from(values: pd.DataFrame) -> None:
    """Wilson: both ends p solve |share - p| = z √(p (1 - p) / n)."""
    shares = values[values.kind == "share"]
    for end in (shares.ci_low, shares.ci_high):
        reach = NORMAL * np.sqrt(end * (1 - end) / shares.denominator)
        np.testing.assert_allclose(abs(shares.numerator / shares.denominator - end), reach, rtol=1e-6, atol=1e-7)
    assert (shares.ci_low <= shares.value).all() and (shares.value <= shares.ci_high).all()
    assert len(shares) > 10_000


@pytest.fixture(scope="module")
def pairs(values: pd.DataFrame) -> pd.DataFrame:
    """Every value that can have one before it, beside that one's columns (`_before`) where it is there."""
    this = values[values.period_grain != "all"].copy()
    this["previous_start"] = pd.NaT
    for grain, step in BEFORE.items():
        of_grain = this.period_grain == grain
        this.loc[of_grain, "previous_start"] = pd.to_datetime(this.period_start[of_grain]) - step
    assert not this.previous_start.isna().any()
    earlier = values.assign(previous_start=pd.to_datetime(values.period_start))
    return this.merge(earlier, how="left", on=[*SERIES, "previous_start"], suffixes=("", "_before"), validate="1:1")


def test_the_period_before_is_the_one_just_before(pairs: pd.DataFrame) -> None:
    pd.testing.assert_series_equal(pairs.previous_value, pairs.value_before, check_names=False)
    np.testing.assert_array_equal(pairs.change, pairs.value - pairs.value_before)
    assert pairs.previous_value.notna().sum() > 10_000


@pytest.mark.parametrize("kind", ["share", "mean", "nps", "median", "p75"])
def test_a_change_is_significant_where_the_textbook_test_says_so(pairs: pd.DataFrame, kind: str) -> None:
    """Pooled z for shares, Welch for means, z for the rest; null where an error is not known."""
    both = pairs[(pairs.kind == kind) & pairs.value_before.notna()]
    if kind == "share":
        pooled = (both.numerator + both.numerator_before) / (both.denominator + both.denominator_before)
        error = np.sqrt((pooled * (1 - pooled)).clip(lower=0) * (1 / both.denominator + 1 / both.denominator_before))
        critical: Any = NORMAL
    else:
        errors = np.stack([both.standard_error, both.standard_error_before])
        error = np.sqrt((errors**2).sum(axis=0))
        critical = NORMAL
        if kind == "mean":
            rows = np.stack([both.sample_size, both.sample_size_before])
            with np.errstate(invalid="ignore", divide="ignore"):
                degrees = error**4 / (errors**4 / (rows - 1)).sum(axis=0)
            # The table has whole degrees up to 30, and the fewer are the careful ones.
            critical = stats.t.ppf(0.975, np.where(degrees < 31, np.floor(degrees + 1e-9), degrees))
    margin = abs(both.value - both.value_before) - critical * error
    decided = margin.notna() & (abs(margin) > 1e-7 * both.value.abs().clip(lower=1e-6))
    have = both.is_change_significant
    wrong = both[decided & (have.isna() | (have.astype("boolean").fillna(value=False) != (margin > 0)))]
    assert wrong.empty, wrong[[*SERIES, "period_start", "value", "value_before", "is_change_significant"]].head()
    assert not have[error.isna() if kind == "share" else np.isnan(error)].any()
    assert (margin[decided] > 0).any() and (margin[decided] < 0).any()
