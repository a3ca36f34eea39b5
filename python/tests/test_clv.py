"""The closed forms give the published numbers, agree with lifetimes and with themselves."""

from __future__ import annotations

import importlib.resources
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special  # type: ignore[import-untyped]  # SciPy ships no types

from benchmarks.simulation import CDNOW, simulate, to_cells
from outside_in import clv
from outside_in.clv.estimation import Derivatives, Floats, Integers
from outside_in.clv.histories import Histories
from outside_in.clv.quadrature import beta_rule
from outside_in.clv.spend import _likelihood
from outside_in.clv.transactions import MODELS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lifetimes  # type: ignore[import-untyped]  # of 2020, without types

CALIBRATION_END = pd.Timestamp("1997-09-30")
HOLDOUT_DAYS = 273
YEAR = 365.25


@pytest.fixture(scope="module")
def order_days() -> pd.DataFrame:
    """CDNOW's 1/10 sample: one row per customer and day with an order, with the days' value."""
    text = importlib.resources.files("lifetimes").joinpath("datasets/CDNOW_sample.txt").read_text("ascii")
    rows = [line.split() for line in text.splitlines() if line.strip()]
    orders = pd.DataFrame(
        {
            "customer": [row[1] for row in rows],
            "day": pd.to_datetime([row[2] for row in rows]),
            "value": [float(row[4]) for row in rows],
        }
    )
    return orders.groupby(["customer", "day"])["value"].sum().reset_index()


@pytest.fixture(scope="module")
def customers(order_days: pd.DataFrame) -> pd.DataFrame:
    """Histories up to the end of the calibration, and what came in the 39 weeks after it."""
    first = order_days.groupby("customer")["day"].min()
    seen = order_days[order_days["day"] <= CALIBRATION_END]
    repeat = seen[seen["day"] > seen["customer"].map(first)].groupby("customer")
    later = order_days[order_days["day"] > CALIBRATION_END].groupby("customer").size()
    return pd.DataFrame(
        {
            "frequency": repeat.size().reindex(first.index, fill_value=0),
            "recency_days": (seen.groupby("customer")["day"].max() - first).dt.days,
            "age_days": (CALIBRATION_END - first).dt.days,
            "mean_order_value": repeat["value"].mean().reindex(first.index),
            "horizon_orders": later.reindex(first.index, fill_value=0),
            "first_day": first,
        }
    )


@pytest.fixture(scope="module")
def cells(customers: pd.DataFrame) -> pd.DataFrame:
    return to_cells(customers)


@pytest.fixture(scope="module")
def fits(cells: pd.DataFrame) -> dict[str, clv.Fit]:
    return {model: clv.fit(model, cells, with_intervals=True) for model in clv.TRANSACTION_MODELS}


def a_fit(model: str, parameters: dict[str, float]) -> clv.Fit:
    """A fit that nobody fitted, to ask models about parameters of one's own."""
    none = np.zeros((len(parameters), len(parameters)))
    return clv.Fit(model, parameters, dict.fromkeys(parameters), {}, 0.0, 0, 0.0, True, False, none)


def one_cell(frequency: int, recency_days: int, age_days: int) -> pd.DataFrame:
    return pd.DataFrame([[frequency, recency_days, age_days, 1]], columns=[*CELL_KEYS, "customer_count"])


CELL_KEYS = ["frequency", "recency_days", "age_days"]

# Published numbers ---------------------------------------------------------------------------------------------------

PUBLISHED = {
    "bg_nbd": ({"r": 0.2425945, "alpha": 4.4136020, "a": 0.7929220, "b": 2.4259068}, -9582.42921),
    "mbg_nbd": ({"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.6140}, None),
    "pareto_nbd": ({"r": 0.5533, "alpha": 10.5777, "s": 0.6062, "beta": 11.6687}, -9594.9762),
}


@pytest.mark.parametrize("model", PUBLISHED)
def test_parameters_are_the_published_ones(model: str, fits: dict[str, clv.Fit]) -> None:
    parameters, log_likelihood = PUBLISHED[model]
    found = fits[model]
    assert found.customer_count == 2357
    assert found.is_converged and not found.is_at_boundary
    assert found.estimates == pytest.approx(parameters, rel=1e-7 if model == "bg_nbd" else 1e-4)
    if log_likelihood:
        assert found.log_likelihood == pytest.approx(log_likelihood, abs=1e-4)


def test_standard_errors_are_the_published_ones(fits: dict[str, clv.Fit]) -> None:
    expected = {"r": 0.0126, "alpha": 0.378, "a": 0.186, "b": 0.705}
    assert fits["bg_nbd"].standard_errors == pytest.approx(expected, rel=5e-3)


def test_spend_is_the_published_one(customers: pd.DataFrame) -> None:
    found = clv.fit_gamma_gamma(customers.assign(customer_count=1))
    assert found.customer_count == 946, "gifts are orders and no spend"
    assert found.estimates == pytest.approx({"p": 6.25, "q": 3.744, "v": 15.44}, rel=5e-4)
    assert found.log_likelihood == pytest.approx(-4055.918, abs=1e-3)
    population = clv.expected_order_value(found, np.array([0]), np.array([np.nan]))
    assert population == pytest.approx([35.2], abs=0.1)


@pytest.mark.parametrize(
    ("survivors", "alpha", "beta", "log_likelihood"),
    [
        ([1000, 631, 468, 382, 326, 289, 262, 241], 0.704, 1.182, -1680.265),
        ([1000, 869, 743, 653, 593, 551, 517, 491], 0.668, 3.806, -1611.158),
    ],
    ids=["regular", "high_end"],
)
def test_contracts_are_the_published_ones(
    survivors: list[int], alpha: float, beta: float, log_likelihood: float
) -> None:
    found = clv.fit_shifted_beta_geometric(cohort(survivors))
    assert found.estimates == pytest.approx({"alpha": alpha, "beta": beta}, abs=6e-4)
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)
    assert clv.survival(found, 7) == pytest.approx(np.array(survivors) / 1000, abs=0.02)


def cohort(survivors: list[int]) -> pd.DataFrame:
    lost = -np.diff(survivors)
    return pd.DataFrame({"period": np.arange(len(lost)) + 1, "active_count": survivors[:-1], "lost_count": lost})


def test_remaining_periods_are_the_sum_of_survival() -> None:
    contract = a_fit("shifted_beta_geometric", {"alpha": 0.7, "beta": 1.2})
    alive = clv.survival(contract, 12)
    expected = sum(alive[4 + ahead] / alive[3] / 1.1 ** (ahead - 0) for ahead in range(8))
    assert clv.remaining_periods(contract, np.array([3]), 8, 0.1) == pytest.approx([expected])


# Holdout -------------------------------------------------------------------------------------------------------------

HOLDOUT_GOALS = {"bg_nbd": (0.041, 0.625, 0.786), "pareto_nbd": (0.016, 0.630, 0.755)}


@pytest.mark.parametrize("model", HOLDOUT_GOALS)
def test_holdout_of_cdnow(
    model: str, fits: dict[str, clv.Fit], customers: pd.DataFrame, order_days: pd.DataFrame
) -> None:
    """Cumulative orders at week 78 as the paper tracks them, and who orders how often in weeks 40 to 78."""
    error_goal, correlation_goal, absolute_goal = HOLDOUT_GOALS[model]
    new = one_cell(0, 0, 0)
    ages = 78 * 7 - (customers["first_day"] - pd.Timestamp("1997-01-01")).dt.days
    expected = sum(
        count * clv.score(fits[model], new, float(age))["expected_orders"].iloc[0]
        for age, count in Counter(ages).items()
    )
    actual = len(order_days) - len(customers)
    assert abs(expected / actual - 1) <= error_goal
    ahead = clv.score(fits[model], customers.assign(customer_count=1), HOLDOUT_DAYS)["expected_orders"]
    assert ahead.corr(customers["horizon_orders"]) >= correlation_goal
    assert (ahead - customers["horizon_orders"]).abs().mean() <= absolute_goal


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_forecast_interval_holds_the_actual(model: str, fits: dict[str, clv.Fit], customers: pd.DataFrame) -> None:
    actual = customers["horizon_orders"].sum()
    forecast = clv.total_orders(fits[model], to_cells(customers), [HOLDOUT_DAYS])[0]
    low, high = forecast.interval(clv.common_variation([]))
    assert low <= actual <= high
    assert low < forecast.mean < high
    if model != "pareto_nbd":
        low, high = forecast.interval(common_sd=0)
        assert actual > high, "a Christmas that no chance explains"


def test_no_order_is_calibrated_where_not_active_is_not(fits: dict[str, clv.Fit], customers: pd.DataFrame) -> None:
    """1 - P(active) is no churn probability: it is off by .3 where P(no order) is right without any training."""
    found = clv.score(fits["bg_nbd"], customers.assign(customer_count=1), 91)
    later = CALIBRATION_END + pd.Timedelta(days=91)
    assert later < pd.Timestamp("1998-01-01")
    silent = customers["horizon_orders"] == 0
    year_ahead = clv.score(fits["bg_nbd"], customers.assign(customer_count=1), HOLDOUT_DAYS)
    assert abs(year_ahead["probability_no_order"].mean() - silent.mean()) < 0.03
    assert abs((1 - found["probability_active"]).mean() - silent.mean()) > 0.25


def test_pareto_has_the_better_holdout_likelihood(fits: dict[str, clv.Fit], customers: pd.DataFrame) -> None:
    """How models are chosen; a model without leaving must lose on customers who leave."""
    known = customers.assign(customer_count=1)
    counts = customers["horizon_orders"].to_numpy()
    likelihood = {
        model: clv.order_count_log_probability(fits[model], known, HOLDOUT_DAYS, counts).sum() for model in fits
    }
    assert likelihood["nbd"] < min(likelihood[model] for model in ("bg_nbd", "mbg_nbd", "pareto_nbd")) - 50


# Agreement with lifetimes --------------------------------------------------------------------------------------------


def reference(model: str, parameters: dict[str, float]) -> Any:
    fitters = {
        "bg_nbd": lifetimes.BetaGeoFitter,
        "mbg_nbd": lifetimes.ModifiedBetaGeoFitter,
        "pareto_nbd": lifetimes.ParetoNBDFitter,
        "gamma_gamma": lifetimes.GammaGammaFitter,
    }
    fitter = fitters[model]()
    fitter.params_ = pd.Series(parameters)
    return fitter


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_predictions_agree_with_lifetimes(model: str, fits: dict[str, clv.Fit], cells: pd.DataFrame) -> None:
    found, theirs = fits[model], reference(model, fits[model].estimates)
    history = tuple(cells[key].to_numpy() / unit for key, unit in zip(CELL_KEYS, (1, 7, 7), strict=True))
    ours = clv.score(found, cells, HOLDOUT_DAYS)
    active = theirs.conditional_probability_alive(*history)
    orders = theirs.conditional_expected_number_of_purchases_up_to_time(39, *history)
    np.testing.assert_allclose(ours["probability_active"], active, rtol=1e-6)
    np.testing.assert_allclose(ours["expected_orders"], orders, rtol=1e-6)


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_likelihood_agrees_with_lifetimes(model: str, fits: dict[str, clv.Fit], cells: pd.DataFrame) -> None:
    found, theirs = fits[model], reference(model, fits[model].estimates)
    values = found.values if model == "pareto_nbd" else np.log(found.values)
    frequency, recency, age = (cells[key].to_numpy() for key in CELL_KEYS)
    weights = cells["customer_count"].to_numpy(float)
    mean = theirs._negative_log_likelihood(values, frequency, recency / 7, age / 7, weights, 0)
    scale = weights.mean() if model == "pareto_nbd" else weights.sum()
    assert found.log_likelihood == pytest.approx(-mean * scale, rel=1e-9)


def test_fit_agrees_with_lifetimes(fits: dict[str, clv.Fit], cells: pd.DataFrame) -> None:
    theirs = lifetimes.BetaGeoFitter()
    frequency, recency, age = (cells[key].to_numpy() for key in CELL_KEYS)
    theirs.fit(frequency, recency / 7, age / 7, cells["customer_count"].to_numpy(), tol=1e-8)
    assert fits["bg_nbd"].estimates == pytest.approx(theirs.params_.to_dict(), rel=1e-6)
    assert fits["bg_nbd"].standard_errors == pytest.approx(theirs.standard_errors_.to_dict(), rel=1e-5)


def test_spend_agrees_with_lifetimes(customers: pd.DataFrame) -> None:
    found = clv.fit_gamma_gamma(customers.assign(customer_count=1))
    theirs = reference("gamma_gamma", found.estimates)
    value = customers["mean_order_value"].fillna(0)
    expected = theirs.conditional_expected_average_profit(customers["frequency"], value)
    ours = clv.expected_order_value(found, customers["frequency"].to_numpy(), customers["mean_order_value"].to_numpy())
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


# Agreement with themselves -------------------------------------------------------------------------------------------


def assert_derivatives(likelihood: Callable[[Floats], Derivatives], values: Floats) -> None:
    """Gradient and Hessian against central differences."""
    at = likelihood(values)
    for place, value in enumerate(values):
        step = np.zeros(len(values))
        step[place] = 1e-5 * value
        ahead, behind = likelihood(values + step), likelihood(values - step)
        width = 2 * step[place]
        scale = np.abs(at.hessian).max()
        assert at.gradient[place] == pytest.approx((ahead.value - behind.value) / width, rel=1e-5, abs=1e-6 * scale)
        np.testing.assert_allclose(
            at.hessian[place], (ahead.gradient - behind.gradient) / width, rtol=1e-5, atol=1e-7 * scale
        )


@pytest.mark.parametrize("model", clv.TRANSACTION_MODELS)
@pytest.mark.parametrize("factor", [0.3, 1.0, 3.0])
def test_derivatives_are_those_of_the_likelihood(model: str, factor: float, cells: pd.DataFrame) -> None:
    histories = Histories.of(cells)
    values = np.array(list(CDNOW[model].values())) * factor ** np.array([1, -1, 1, -1])[: len(CDNOW[model])]
    assert_derivatives(lambda at: MODELS[model].likelihood(at, histories), values)


def test_derivatives_of_spend(customers: pd.DataFrame) -> None:
    spend = customers[customers["mean_order_value"] > 0].sort_values("frequency")
    x, mean = spend["frequency"].to_numpy(float), spend["mean_order_value"].to_numpy()
    assert_derivatives(_likelihood(x, mean, np.ones(len(x))), np.array([3.0, 2.5, 20.0]))


HISTORIES = [(0, 0, 0), (0, 0, 200), (1, 5, 200), (3, 190, 200), (30, 150, 200), (2, 3, 700)]


@pytest.mark.parametrize("model", clv.TRANSACTION_MODELS)
def test_probabilities_of_counts_sum_to_one_and_have_the_expectation_and_variance(model: str) -> None:
    found = a_fit(model, CDNOW[model])
    counts = np.arange(600)
    for history in HISTORIES:
        cell = one_cell(*history)
        row = clv.score(found, cell, 180.5, 0.1).iloc[0]
        many = cell.loc[cell.index.repeat(len(counts))]
        probability = np.exp(clv.order_count_log_probability(found, many, 180.5, counts))
        assert probability.sum() == pytest.approx(1, abs=1e-9)
        mean = (counts * probability).sum()
        assert row["expected_orders"] == pytest.approx(mean, rel=1e-8)
        assert row["orders_variance"] == pytest.approx((counts**2 * probability).sum() - mean**2, rel=1e-7)
        assert row["probability_no_order"] == pytest.approx(probability[0], rel=1e-9)
        assert clv.probability_no_order(found, cell, 180.5) == pytest.approx([probability[0]], rel=1e-12)


@pytest.mark.parametrize("model", clv.TRANSACTION_MODELS)
def test_no_order_is_the_likelihood_of_a_longer_silence(model: str) -> None:
    """P(nothing in t more weeks | history) = L(x, t_x, T + t) / L(x, t_x, T): an identity that no formula here uses."""
    found = a_fit(model, CDNOW[model])

    def log_likelihood(frequency: int, recency: int, age: int) -> float:
        return MODELS[model].likelihood(found.values, Histories.of(one_cell(frequency, recency, age))).value

    for frequency, recency, age in HISTORIES:
        ratio = np.exp(log_likelihood(frequency, recency, age + 90) - log_likelihood(frequency, recency, age))
        assert clv.probability_no_order(found, one_cell(frequency, recency, age), 90) == pytest.approx(
            [ratio], rel=1e-9
        )


@pytest.mark.parametrize("model", clv.TRANSACTION_MODELS)
def test_discounting_is_that_of_small_steps(model: str) -> None:
    found, cell = a_fit(model, CDNOW[model]), one_cell(4, 120, 200)
    days = np.linspace(0, YEAR, 401)
    orders = np.array([clv.score(found, cell, day)["expected_orders"].iloc[0] for day in days])
    middle = (days[1:] + days[:-1]) / 2
    expected = (np.diff(orders) / 1.1 ** (middle / YEAR)).sum()
    assert clv.score(found, cell, YEAR, 0.1)["discounted_orders"].iloc[0] == pytest.approx(expected, rel=1e-6)
    undiscounted = clv.score(found, cell, YEAR, 0.0).iloc[0]
    assert undiscounted["discounted_orders"] == undiscounted["expected_orders"]


def test_expectation_has_no_hole_at_one() -> None:
    """The paper's formula is 0 / 0 at a = 1; its neighbours say what belongs there."""
    cell = one_cell(3, 100, 200)

    def orders(a: float) -> float:
        return float(clv.score(a_fit("bg_nbd", {**CDNOW["bg_nbd"], "a": a}), cell, 273)["expected_orders"].iloc[0])

    assert orders(1.0) == pytest.approx((orders(0.999) + orders(1.001)) / 2, rel=1e-6)
    theirs = reference("bg_nbd", {**CDNOW["bg_nbd"], "a": 1.001})
    assert orders(1.001) == pytest.approx(
        float(theirs.conditional_expected_number_of_purchases_up_to_time(39, 3, 100 / 7, 200 / 7)), rel=1e-6
    )


@given(a=st.floats(1e-4, 1e4), b=st.floats(1e-4, 1e5), power=st.integers(0, 12))
def test_beta_rule_is_exact_for_powers(a: float, b: float, power: int) -> None:
    nodes, weights = beta_rule(np.array([a]), np.array([b]), 20)
    expected = np.exp(special.betaln(a + power, b) - special.betaln(a, b))
    assert (weights * nodes**power).sum() == pytest.approx(expected, rel=1e-8, abs=1e-14)


# What holds for any history and any parameters -----------------------------------------------------------------------

POSITIVE = st.floats(-6.9, 6.9).map(lambda log: float(np.exp(log)))


@st.composite
def any_history(draw: st.DrawFn) -> tuple[int, int, int]:
    age = draw(st.integers(0, 9000))
    recency = draw(st.integers(0, age))
    return (draw(st.integers(1, recency)) if recency else 0), recency, age


@settings(max_examples=150, deadline=None)
@given(
    model=st.sampled_from(clv.TRANSACTION_MODELS),
    values=st.tuples(POSITIVE, POSITIVE, POSITIVE, POSITIVE),
    history=any_history(),
    horizon=st.integers(1, 1500),
)
def test_scores_are_possible_whatever_the_parameters(
    model: str, values: tuple[float, ...], history: tuple[int, int, int], horizon: int
) -> None:
    found = a_fit(model, dict(zip(MODELS[model].parameters, values, strict=False)))
    frequency, recency, age = history
    cell = pd.concat([one_cell(frequency, recency, age), one_cell(frequency, recency, age + 30)], ignore_index=True)
    now, later = clv.score(found, cell, horizon, 0.1).to_dict("records")
    further = clv.score(found, cell, horizon + 50, 0.1).iloc[0]
    for row in (now, later):
        assert all(np.isfinite(list(row.values()))), row
        assert 0 <= row["probability_active"] <= 1
        assert 0 <= row["probability_no_order"] <= 1 + 1e-9
        assert 0 <= row["discounted_orders"] <= row["expected_orders"] * (1 + 1e-6)
        assert row["expected_orders"] >= (1 - row["probability_no_order"]) * (1 - 1e-6) - 1e-6
    if frequency:
        assert later["probability_active"] <= now["probability_active"] + 1e-9, "silence is no good sign"
    assert further["expected_orders"] >= now["expected_orders"] * (1 - 1e-6)
    assert further["probability_no_order"] <= now["probability_no_order"] + 1e-6
    at = MODELS[model].likelihood(found.values, Histories.of(cell))
    assert np.isfinite(at.value) and np.isfinite(at.gradient).all() and np.isfinite(at.hessian).all()


@pytest.mark.parametrize("model", clv.TRANSACTION_MODELS)
def test_interval_ends_where_the_best_likelihood_has_fallen(
    model: str, fits: dict[str, clv.Fit], cells: pd.DataFrame
) -> None:
    """With one parameter held at an end, the others at their best by another maximiser, 1.92 are lost."""
    found, histories = fits[model], Histories.of(cells)

    def lost(place: int, end: float) -> float:
        def negative(others: Floats) -> float:
            return -MODELS[model].likelihood(np.exp(np.insert(others, place, np.log(end))), histories).value

        start = np.delete(np.log(found.values), place)
        best = optimize.minimize(negative, start, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-5})
        return float(found.log_likelihood + best.fun)

    for place, (name, (low, high)) in enumerate(found.intervals.items()):
        assert low is not None and high is not None
        assert low < found.estimates[name] < high
        assert [lost(place, low), lost(place, high)] == pytest.approx([1.9207] * 2, rel=0.01), name


@pytest.mark.parametrize("model", clv.TRANSACTION_MODELS)
def test_what_is_unknown_of_the_parameters_is_unknown_of_the_total(
    model: str, fits: dict[str, clv.Fit], cells: pd.DataFrame
) -> None:
    """The variance beyond chance against that of totals at parameters drawn from what the fit knows of them."""
    found, weights = fits[model], cells["customer_count"]
    scores = clv.score(found, cells, HOLDOUT_DAYS)
    by_chance = (weights * scores["orders_variance"]).sum()
    drawn = np.random.default_rng(4).multivariate_normal(np.log(found.values), found.log_covariance / 100, 100)
    means = []
    for values in np.exp(drawn):
        other = a_fit(model, dict(zip(found.estimates, values.tolist(), strict=True)))
        means.append((weights * clv.score(other, cells, HOLDOUT_DAYS)["expected_orders"]).sum())
    [total] = clv.total_orders(found, cells, [HOLDOUT_DAYS])
    assert total.mean == pytest.approx((weights * scores["expected_orders"]).sum(), rel=1e-12)
    assert total.variance - by_chance == pytest.approx(100 * np.var(means), rel=0.4)


# Determinism ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", clv.TRANSACTION_MODELS)
def test_the_order_of_cells_changes_no_bit(model: str, fits: dict[str, clv.Fit], cells: pd.DataFrame) -> None:
    shuffled = cells.sample(frac=1, random_state=3)
    again = clv.fit(model, shuffled, with_intervals=True)
    assert again == fits[model]
    assert (again.log_covariance == fits[model].log_covariance).all()
    scores = clv.score(again, shuffled, 365, 0.1)
    pd.testing.assert_frame_equal(scores.sort_index(), clv.score(fits[model], cells, 365, 0.1), check_exact=True)
    assert clv.total_orders(again, shuffled, [365, 90]) == clv.total_orders(again, cells, [365, 90])


def test_the_order_of_spend_changes_no_bit(customers: pd.DataFrame) -> None:
    spend = customers.assign(customer_count=1)
    assert clv.fit_gamma_gamma(spend) == clv.fit_gamma_gamma(spend.sample(frac=1, random_state=3))


def test_bootstrap_is_the_standard_error_where_the_model_is_true() -> None:
    """Also for more customers than are drawn."""
    for count, factor in ((3000, 1), (3000, 10)):
        customers = to_cells(simulate("bg_nbd", count, seed=1))
        customers["customer_count"] *= factor
        found = clv.fit("bg_nbd", customers)
        errors = clv.bootstrap(found, customers, 60, seed=1)
        assert errors == clv.bootstrap(found, customers.sample(frac=1, random_state=1), 60, seed=1)
        assert errors == pytest.approx(found.standard_errors, rel=0.35)


# Little and odd data -------------------------------------------------------------------------------------------------


def repeated(frequency: int, recency: int, age: int, count: int) -> list[int]:
    return [frequency, recency, age, count]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "not enough data: needs 100 customers, found 0"),
        ([[0, 0, 200, 20], [2, 30, 200, 10]], "not enough data: needs 100 customers, found 30"),
        ([[0, 0, 200, 990], [1, 30, 200, 10]], "needs 30 customers with a repeat order, found 10"),
        ([[0, 0, 200, 1000]], "needs 30 customers with a repeat order, found 0"),
        ([[0, 0, 0, 1000]], "needs 28 days of orders, found 0"),
    ],
    ids=["no orders", "30 customers", "few repeats", "no repeat", "one day"],
)
@pytest.mark.parametrize("model", clv.TRANSACTION_MODELS)
def test_little_data_says_what_it_needs(model: str, rows: list[list[int]], message: str) -> None:
    cells = pd.DataFrame(rows, columns=[*CELL_KEYS, "customer_count"])
    with pytest.raises(clv.NotEnoughData, match=message):
        clv.fit(model, cells)


@pytest.mark.parametrize(
    ("spend", "message"),
    [
        ([(0, np.nan, 1000)], "needs 30 customers with a repeat order of positive value, found 0"),
        ([(2, 0.0, 1000), (1, 5.0, 3)], "found 3"),
    ],
)
def test_little_spend_says_what_it_needs(spend: list[tuple[int, float, int]], message: str) -> None:
    with pytest.raises(clv.NotEnoughData, match=message):
        clv.fit_gamma_gamma(pd.DataFrame(spend, columns=["frequency", "mean_order_value", "customer_count"]))


@pytest.mark.parametrize(
    ("survivors", "message"),
    [
        ([10, 5, 2], "needs 30 customers with a contract, found 10"),
        ([1000, 900], "needs 2 periods of contract, found 1"),
        ([1000, 1000, 1000], "needs contracts that ended and contracts that went on, found 0 ended"),
    ],
)
def test_few_contracts_say_what_they_need(survivors: list[int], message: str) -> None:
    with pytest.raises(clv.NotEnoughData, match=message):
        clv.fit_shifted_beta_geometric(cohort(survivors))


@pytest.mark.parametrize("row", [[1, 30, 20, 1], [0, 5, 20, 1], [-1, 0, 20, 1], [2, 0, 20, 1]])
def test_impossible_histories_are_refused(row: list[int]) -> None:
    with pytest.raises(ValueError, match="no customer can have"):
        clv.fit("bg_nbd", pd.DataFrame([row], columns=[*CELL_KEYS, "customer_count"]))


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_where_nobody_leaves_the_fit_says_so(model: str) -> None:
    """Dropout cannot be told there: a flag, no standard errors, and the forecast of the NBD."""
    customers = simulate("nbd", 5000, seed=4, days=700, parameters={"r": 1.5, "alpha": 8.0})
    cells = to_cells(customers)
    found = clv.fit(model, cells, with_intervals=True)
    fallback = clv.fit("nbd", cells)
    assert found.is_at_boundary and set(found.standard_errors.values()) == {None}
    assert not fallback.is_at_boundary
    assert set(found.intervals.values()) == {(None, None)}
    forecast = clv.total_orders(found, cells, [273])[0]
    assert np.isfinite([*forecast, *forecast.interval(0.1)]).all()
    assert forecast.mean == pytest.approx(clv.total_orders(fallback, cells, [273])[0].mean, rel=5e-3)


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd", "nbd"])
def test_where_nobody_leaves_the_fit_still_arrives(model: str) -> None:
    """The terms of the likelihood are thousands of times their sum there, and so is its rounding."""
    for seed in range(8):
        customers = simulate("nbd", 400, seed, days=300, parameters={"r": 20.0, "alpha": 60.0})
        assert clv.fit(model, to_cells(customers)).is_converged, seed


def test_where_the_chance_of_leaving_cannot_be_told_the_fit_says_so() -> None:
    """200 customers: a of 24 may as well be a thousandth or a thousand times it."""
    found = clv.fit("bg_nbd", to_cells(simulate("bg_nbd", 200, seed=12)), with_intervals=True)
    assert found.is_converged and max(found.values) < 200
    assert found.is_at_boundary and found.standard_errors["a"] is None and found.intervals["a"] == (None, None)


def test_spend_without_a_mean_is_flagged_and_unknown() -> None:
    """q <= 1: the population has no mean, so customers without a repeat get none."""
    generator = np.random.default_rng(1)
    frequency = generator.integers(1, 6, 4000)
    value = generator.gamma(2.0 * frequency) / frequency / generator.gamma(0.7, 1.0, 4000)
    found = clv.fit_gamma_gamma(pd.DataFrame({"frequency": frequency, "mean_order_value": value, "customer_count": 1}))
    assert found.estimates["q"] < 1 and found.is_at_boundary
    expected = clv.expected_order_value(found, np.array([0, 5]), np.array([np.nan, 10.0]))
    assert np.isnan(expected[0]) and np.isfinite(expected[1])


def test_where_every_order_costs_the_same_that_is_what_one_is_worth() -> None:
    cells = pd.DataFrame({"frequency": [1, 4], "mean_order_value": 9.99, "customer_count": [500, 20]})
    found = clv.fit_gamma_gamma(cells, with_intervals=True)
    assert found.is_converged and found.is_at_boundary and found.intervals["v"] == (None, None)
    assert clv.expected_order_value(found, np.array([0, 4]), np.array([np.nan, 9.99])) == pytest.approx(9.99, rel=1e-9)
    # Only the number of orders is left to chance.
    five = pd.DataFrame({"expected_orders": [5.0], "orders_variance": [0.0], "probability_no_order": [0.0]})
    assert np.concatenate(clv.value_interval_factors(found, five, np.array([4.0]))) == pytest.approx(1, abs=1e-3)


def test_any_currency_gives_the_same_fit(customers: pd.DataFrame) -> None:
    dollars = clv.fit_gamma_gamma(customers.assign(customer_count=1), with_intervals=True)
    in_rupiah = customers.assign(customer_count=1, mean_order_value=customers["mean_order_value"] * 15_000)
    rupiah = clv.fit_gamma_gamma(in_rupiah, with_intervals=True)
    low, high = dollars.intervals["v"]
    assert low and high and low < dollars.estimates["v"] < high
    assert rupiah.intervals["v"] == pytest.approx((low * 15_000, high * 15_000), rel=1e-4)
    assert rupiah.estimates == pytest.approx({**dollars.estimates, "v": dollars.estimates["v"] * 15_000}, rel=1e-6)
    assert not rupiah.is_at_boundary


def test_interval_of_a_value_knows_that_the_level_of_a_customer_is_unknown() -> None:
    """Five sure orders of who has spent once 30 before, drawn from what the model then says; and a common variation."""
    spend, generator = a_fit("gamma_gamma", CDNOW["gamma_gamma"]), np.random.default_rng(1)
    p, q, v = spend.values
    scores = pd.DataFrame({"expected_orders": [5.0], "orders_variance": [0.0], "probability_no_order": [0.0]})
    level = generator.gamma(p + q, 1 / (v + 30), 20_000)
    value = generator.gamma(5 * p, 1 / level)
    expected = 5 * clv.expected_order_value(spend, np.array([1.0]), np.array([30.0]))
    for common_sd in (0.0, 0.3):
        low, high = clv.value_interval_factors(spend, scores, np.array([1.0]), common_sd)
        came = value * generator.normal(1, common_sd, len(value))
        assert 0.93 < ((came >= expected * low) & (came <= expected * high)).mean() < 0.97


def test_common_variation_is_what_chance_leaves() -> None:
    # A year of the prior: Student's t with four degrees of freedom against the normal.
    assert clv.common_variation([]) == pytest.approx(0.1 * 2.7764 / 1.96, rel=1e-4)
    forecast = clv.Total(1000.0, 900.0)
    actual = np.random.default_rng(2).normal(1000, np.sqrt(900 + 200.0**2), 400)
    assert clv.common_variation([(forecast, came) for came in actual]) == pytest.approx(0.2, rel=0.1)
    assert clv.common_variation([(forecast, 1000.0)] * 400) == 0
    # Nobody learns a season from ten orders.
    assert clv.common_variation([(clv.Total(10.0, 12.0), 15.0)]) == pytest.approx(clv.common_variation([]), rel=0.03)


def test_zero_weights_change_nothing(fits: dict[str, clv.Fit], cells: pd.DataFrame) -> None:
    more = pd.concat([cells, one_cell(7, 50, 90).assign(customer_count=0)], ignore_index=True)
    assert clv.fit("pareto_nbd", more).estimates == pytest.approx(fits["pareto_nbd"].estimates, rel=1e-9)


def test_fit_is_a_value(fits: dict[str, clv.Fit]) -> None:
    assert replace(fits["nbd"]) == fits["nbd"]
    counts: Integers = np.zeros(0, np.int64)
    empty = one_cell(0, 0, 0).iloc[:0]
    assert clv.order_count_log_probability(fits["nbd"], empty, 10, counts).shape == (0,)
    assert len(clv.score(fits["nbd"], empty, 10)) == 0
