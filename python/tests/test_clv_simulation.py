"""Customers drawn from the models: what was planted comes back, and intervals hold it as often as they say.

OUTSIDE_IN_LONG_TESTS=1 makes them as long as the goals ask for (300 simulations per model, some minutes).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.simulation import CDNOW, simulate, to_cells
from outside_in import clv
from outside_in.paths import PROJECT

IS_LONG = bool(os.environ.get("OUTSIDE_IN_LONG_TESTS"))
SIMULATIONS = 300 if IS_LONG else 15
# Three standard errors of a share of 95 % below it.
LOWEST_COVERAGE = 0.95 - 3 * (0.95 * 0.05 / SIMULATIONS) ** 0.5
# In slow motion: at full speed some orders fall on one day, which moves the parameters by a fifth of a standard error.
SLOW = 100


def slow(model: str, customer_count: int, seed: int) -> pd.DataFrame:
    return simulate(
        model,
        customer_count,
        seed,
        days=364 * SLOW,
        entry_days=91 * SLOW,
        horizon_days=273 * SLOW,
        parameters=slow_truth(model),
    )


def slow_truth(model: str) -> dict[str, float]:
    return {name: value * (SLOW if name in ("alpha", "beta") else 1) for name, value in CDNOW[model].items()}


@pytest.mark.parametrize("model", clv.TRANSACTION_MODELS)
def test_parameters_and_intervals_hold_the_truth(model: str) -> None:
    """Per parameter, and for the orders of the holdout without any allowance for common variation."""
    truth = slow_truth(model)
    held = dict.fromkeys([*truth, "orders"], 0)
    estimates = []
    for seed in range(SIMULATIONS):
        customers = slow(model, 4000, seed)
        cells = to_cells(customers)
        found = clv.fit(model, cells, with_intervals=True)
        assert found.is_converged
        estimates.append(found.estimates)
        for name, value in truth.items():
            low, high = found.intervals[name]
            held[name] += (low or 0) <= value <= (high or np.inf)
        low, high = clv.total_orders(found, cells, [273 * SLOW])[0].interval(common_sd=0)
        held["orders"] += low <= customers["horizon_orders"].sum() <= high
    coverage = {name: count / SIMULATIONS for name, count in held.items()}
    print(model, coverage)
    assert min(coverage.values()) >= LOWEST_COVERAGE, coverage
    assert pd.DataFrame(estimates).median().to_dict() == pytest.approx(truth, rel=0.35)


@pytest.fixture(scope="module", params=["bg_nbd", "mbg_nbd", "pareto_nbd"])
def many(request: pytest.FixtureRequest) -> tuple[clv.Fit, pd.DataFrame]:
    """A model fitted to 60,000 customers of its own, with what came after."""
    customers = slow(request.param, 60_000, seed=11)
    return clv.fit(request.param, to_cells(customers)), customers


def test_a_sample_to_start_from_does_not_show(many: tuple[clv.Fit, pd.DataFrame]) -> None:
    found, customers = many
    assert len(to_cells(customers)) > 1024, "or no sample was taken"
    assert found.is_converged and found.gradient_norm < 1e-10
    assert found.estimates == pytest.approx(slow_truth(found.model), rel=0.15)


def test_scores_are_what_comes(many: tuple[clv.Fit, pd.DataFrame]) -> None:
    """Expected orders and P(no order) over twenty bins of themselves, and their spread."""
    found, customers = many
    scores = clv.score(found, customers.assign(customer_count=1), 273 * SLOW).reset_index(drop=True)
    came = customers["horizon_orders"]
    assert scores["expected_orders"].sum() == pytest.approx(came.sum(), rel=0.04)
    bins = pd.qcut(scores["probability_no_order"].rank(method="first"), 20, labels=False)
    gap = (scores["probability_no_order"] - (came == 0)).groupby(bins).mean().abs()
    assert gap.mean() < 0.01
    squares = (came - scores["expected_orders"]) ** 2
    assert squares.mean() == pytest.approx(scores["orders_variance"].mean(), rel=0.1)


@pytest.mark.parametrize(
    ("is_merged_by_day", "orders_off", "value_off", "calibration_error"),
    [(False, 0.005, 0.01, 0.002), (True, 0.02, 0.02, 0.005)],
)
def test_a_million_customers_with_the_rates_of_cdnow(
    is_merged_by_day: bool, orders_off: float, value_off: float, calibration_error: float
) -> None:
    """A year ahead, known to the day. That orders of one day are one hides orders and chances of leaving: 1.4 %."""
    customers = simulate("bg_nbd", 1_000_000, 4, 364, 182, 365, is_merged_by_day=is_merged_by_day)
    cells = to_cells(customers)
    found = clv.fit("bg_nbd", cells)
    spend = clv.fit_gamma_gamma(customers[:100_000].assign(customer_count=1))
    scored = customers.merge(cells.join(clv.score(found, cells, 365)), on=["frequency", "recency_days", "age_days"])
    value = clv.expected_order_value(spend, scored["frequency"].to_numpy(), scored["mean_order_value"].to_numpy())
    orders = scored["expected_orders"]
    assert orders.sum() == pytest.approx(scored["horizon_orders"].sum(), rel=orders_off)
    assert (orders * value).sum() == pytest.approx(scored["horizon_value"].sum(), rel=value_off)
    bins = pd.qcut(scored["probability_no_order"].rank(method="first"), 20, labels=False)
    gap = (scored["probability_no_order"] - (scored["horizon_orders"] == 0)).groupby(bins).mean().abs()
    assert gap.mean() < calibration_error


@pytest.mark.parametrize("model", clv.TRANSACTION_MODELS)
def test_intervals_of_customers_hold_their_value(model: str) -> None:
    customers = slow(model, 60_000, seed=12)
    cells = customers.assign(customer_count=1)
    found, spend = clv.fit(model, to_cells(customers)), clv.fit_gamma_gamma(cells)
    frequency = customers["frequency"].to_numpy()
    scores = clv.score(found, cells, 273 * SLOW)
    value = clv.expected_order_value(spend, frequency, customers["mean_order_value"].to_numpy())
    value = value * scores["expected_orders"].to_numpy()
    assert value.sum() == pytest.approx(customers["horizon_value"].sum(), rel=0.05)
    lower, upper = clv.value_interval_factors(spend, scores, frequency)
    came = customers["horizon_value"].to_numpy()
    below, above = came < value * lower, came > value * upper
    assert 0.005 < above.mean() < 0.035
    # Where no order at all is likely, the lower end is 0, and nothing can be below it.
    sure = scores["probability_no_order"].to_numpy() < 0.01
    if model == "nbd":
        assert sure.sum() > 1000
        assert 0.01 < below[sure].mean() < 0.06 and 0.01 < above[sure].mean() < 0.04


def test_spend_parameters_come_back() -> None:
    customers = simulate("nbd", 60_000, seed=5)
    found = clv.fit_gamma_gamma(customers.assign(customer_count=1))
    assert found.is_converged
    for name, value in CDNOW["gamma_gamma"].items():
        assert found.estimates[name] == pytest.approx(value, abs=3.3 * (found.standard_errors[name] or 0))


def test_contract_parameters_come_back() -> None:
    """Three cohorts that could be seen for 12, 8 and 4 periods."""
    generator = np.random.default_rng(8)
    rows = []
    for seen in (12, 8, 4):
        left = generator.geometric(generator.beta(0.8, 2.5, 8000))
        for period in range(1, seen + 1):
            rows.append((seen, period, (left >= period).sum(), (left == period).sum()))
    found = clv.fit_shifted_beta_geometric(
        pd.DataFrame(rows, columns=["cohort", "period", "active_count", "lost_count"])
    )
    assert found.customer_count == 24_000
    for name, value in {"alpha": 0.8, "beta": 2.5}.items():
        assert found.estimates[name] == pytest.approx(value, abs=3.3 * (found.standard_errors[name] or 0))


def test_lost_months_are_what_comes() -> None:
    """Mean, and variance of contracts and parameters together, over many small companies."""
    gaps, spreads = [], []
    for seed in range(200):
        generator = np.random.default_rng(seed)
        left = generator.geometric(generator.beta(2.0, 20.0, 300))
        seen, months = 6, 9
        rows = [(p, (left >= p).sum(), (left == p).sum()) for p in range(1, seen + 1)]
        found = clv.fit_shifted_beta_geometric(pd.DataFrame(rows, columns=["period", "active_count", "lost_count"]))
        alive = left > seen
        lost = (months - np.minimum(left[alive] - seen - 1, months)).sum()
        total = clv.total_lost_periods(found, np.array([seen]), np.array([float(alive.sum())]), months)
        gaps.append(lost - total.mean)
        spreads.append(total.variance)
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / 200**0.5
    assert np.var(gaps) == pytest.approx(np.mean(spreads), rel=0.3)


FIT_AND_PRINT = """
import pandas as pd
from benchmarks.simulation import simulate, to_cells
from outside_in import clv
customers = simulate("pareto_nbd", 20_000, seed=2)
spend = clv.fit_gamma_gamma(customers.assign(customer_count=1))
print(spend, spend.log_covariance.tolist())
for model in clv.TRANSACTION_MODELS:
    fit = clv.fit(model, to_cells(customers))
    scores = clv.score(fit, to_cells(customers), 365, 0.1)
    print(fit, pd.util.hash_pandas_object(scores).sum(), clv.total_orders(fit, to_cells(customers), [90]))
"""


def test_threads_change_no_bit(tmp_path: Path) -> None:
    printed = []
    for threads in ("1", "2"):
        variables = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        done = subprocess.run(
            [sys.executable, "-c", FIT_AND_PRINT],
            env={**os.environ, **variables, "PYTHONPATH": str(PROJECT / "python")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        printed.append(done.stdout)
    assert printed[0] == printed[1] != ""
