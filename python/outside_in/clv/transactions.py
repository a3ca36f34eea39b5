"""Customers who come and go without telling: fit, score and forecast their orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from scipy import special  # type: ignore[import-untyped]  # SciPy ships no types

from outside_in.clv.bg_nbd import BG_NBD, MBG_NBD
from outside_in.clv.estimation import (
    Derivatives,
    Fit,
    Floats,
    Integers,
    NotEnoughData,
    Stage,
    maximum,
    maximum_likelihood,
)
from outside_in.clv.forecasts import Total
from outside_in.clv.histories import DAYS_PER_WEEK, Histories, columns_of
from outside_in.clv.nbd import Nbd
from outside_in.clv.pareto_nbd import PARETO_NBD
from outside_in.clv.quadrature import log_time

DAYS_PER_YEAR = 365.25
MINIMUM_CUSTOMERS = 100
MINIMUM_REPEAT_CUSTOMERS = 30
MINIMUM_AGE_DAYS = 28
SAMPLE_CELLS = 1024
# A bootstrap of so many customers, told for all of them, takes no longer the more there are.
BOOTSTRAP_CUSTOMERS = 5000
DISCOUNT_NODES = 6
CHUNK = 2048


class TransactionModel(Protocol):
    """What a model has to know; frequencies are counts, times are weeks, arrays have one row per customer or cell."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of its parameters, all positive; the first two are those of the rates: shape, and weeks."""

    def starts(self, orders_per_week: float) -> list[Floats]:
        """Points to start a fit from."""

    def likelihood(self, values: Floats, cells: Histories) -> Derivatives:
        """Log-likelihood of all customers with its derivatives."""

    def log_odds_left(self, values: Floats, x: Floats, recency: Floats, age: Floats) -> Floats:
        """Log-odds of having left by `age`."""

    def orders_if_active(self, values: Floats, x: Floats, age: Floats, horizons: Floats) -> Floats:
        """Expected orders in each of the horizons (n by m) of who is still there."""

    def order_pairs_if_active(self, values: Floats, x: Floats, age: Floats, horizon: float) -> Floats:
        """Expected N (N - 1) of the number of orders N of who is still there."""

    def log_probability_if_active(
        self, values: Floats, x: Floats, age: Floats, horizon: float, counts: Integers
    ) -> Floats:
        """Log-probability of `counts` orders of who is still there."""


MODELS: dict[str, TransactionModel] = {model.name: model for model in (BG_NBD, MBG_NBD, PARETO_NBD, Nbd())}
TRANSACTION_MODELS = tuple(MODELS)


def fit(model: str, cells: pd.DataFrame, with_intervals: bool = False) -> Fit:
    """Fit a model by maximum likelihood.

    Args:
        model: one of TRANSACTION_MODELS.
        cells: one row per distinct history: frequency (days with an order after the first), recency_days (first to last
            order), age_days (first order to the end of the data), customer_count; whole numbers.
        with_intervals: of the parameters, too.

    Returns:
        The fit; times and the log-likelihood are in weeks (days / 7, exact).

    Raises:
        NotEnoughData: too few customers, repeat customers or days to tell the parameters.
        ValueError: an unknown model, or a history that cannot be.
    """
    histories = Histories.of(cells)
    _require_enough(histories)
    chosen = MODELS[model]
    stages = [_stage(chosen, histories)]
    if len(histories) > SAMPLE_CELLS:
        stages.insert(0, _stage(chosen, histories.sample(SAMPLE_CELLS)))
    weeks = (histories.customers * histories.age_days).sum() / DAYS_PER_WEEK
    orders_per_week = (histories.customers * histories.frequency).sum() / weeks
    return maximum_likelihood(model, chosen.parameters, stages, chosen.starts(orders_per_week), with_intervals)


def score(fit: Fit, cells: pd.DataFrame, horizon_days: float, annual_discount_rate: float = 0.0) -> pd.DataFrame:
    """What to expect of the customers of each cell in the `horizon_days` after their age.

    Args:
        fit: of one of TRANSACTION_MODELS.
        cells: as in `fit`, in any order.
        horizon_days: length of the horizon.
        annual_discount_rate: 0.1 makes an order in a year worth 1 / 1.1 of one now; discounted continuously.

    Returns:
        One row per cell in the same order, with the same index, for one customer of the cell: probability_active,
        probability_no_order (in the horizon), expected_orders, orders_variance, discounted_orders.
    """
    expected = _expect(MODELS[fit.model], fit.values, cells, horizon_days, annual_discount_rate)
    return pd.DataFrame(expected._asdict(), index=cells.index)


def probability_no_order(fit: Fit, cells: pd.DataFrame, horizon_days: float) -> Floats:
    """Probability of no order in the `horizon_days` after the age of each cell; shape n."""
    return np.exp(order_count_log_probability(fit, cells, horizon_days, np.zeros(len(cells), np.int64)))


def order_count_log_probability(fit: Fit, cells: pd.DataFrame, horizon_days: float, order_counts: Integers) -> Floats:
    """Log-probability that a customer of a cell has exactly so many orders in the horizon.

    Summed over customers it is the log-likelihood of a holdout, by which models are chosen: it judges level and spread.

    Args:
        fit: of one of TRANSACTION_MODELS.
        cells: as in `fit`, n rows.
        horizon_days: length of the horizon after the age.
        order_counts: days with an order in it, shape n.

    Returns:
        Shape n.
    """
    model, values = MODELS[fit.model], fit.values
    x, recency, age = _in_weeks(cells)
    counts = np.asarray(order_counts, np.int64)
    odds = model.log_odds_left(values, x, recency, age)
    active = model.log_probability_if_active(values, x, age, horizon_days / DAYS_PER_WEEK, counts)
    stays, left = special.log_expit(-odds), special.log_expit(odds)
    return np.asarray(np.where(counts == 0, np.logaddexp(left, stays + active), stays + active))


def total_orders(fit: Fit, cells: pd.DataFrame, horizons_days: Sequence[float]) -> list[Total]:
    """Orders of all customers together, in each of the horizons.

    The variance is that of the customers, who may or may not order, stay or leave, plus that of the parameters (delta
    method): the second alone is far too sure of itself.

    Args:
        fit: of one of TRANSACTION_MODELS.
        cells: as in `fit`.
        horizons_days: lengths of the horizons after their age, shape m.

    Returns:
        One forecast per horizon.
    """
    model, logs = MODELS[fit.model], np.log(fit.values)
    customers = cells["customer_count"].to_numpy(np.float64)
    x, recency, age = _in_weeks(cells)
    horizons = np.asarray(horizons_days) / DAYS_PER_WEEK

    def expected_at(values: Floats) -> Floats:
        """Orders of a customer of each cell in each horizon, m by n."""
        ahead = _of_pairs(
            x, age, lambda x, age: model.orders_if_active(values, x, age, np.tile(horizons, (len(x), 1))).T
        )
        return np.asarray(special.expit(-model.log_odds_left(values, x, recency, age)) * ahead)

    def in_total(of_one: Floats) -> Floats:
        # Sorted, for the same bits in any order of the cells.
        return np.asarray(np.sort(customers * of_one, axis=1).sum(axis=1))

    expected = expected_at(fit.values)
    mean, step = in_total(expected), 1e-5
    slopes = np.array(
        [(in_total(expected_at(np.exp(logs + ahead))) - mean) / step for ahead in step * np.eye(len(logs))]
    )
    pairs = _of_pairs(
        x, age, lambda x, age: np.stack([model.order_pairs_if_active(fit.values, x, age, end) for end in horizons])
    )
    active = special.expit(-model.log_odds_left(fit.values, x, recency, age))
    by_chance = in_total(np.maximum(active * pairs + expected - expected**2, 0))
    by_parameters = np.einsum("im,ij,jm->m", slopes, fit.log_covariance, slopes)
    return [Total(*each) for each in zip(mean.tolist(), (by_chance + by_parameters).tolist(), strict=True)]


def bootstrap(fit: Fit, cells: pd.DataFrame, replicates: int, seed: int) -> dict[str, float]:
    """Standard errors from fitting again to customers drawn with replacement.

    They trust no Hessian: where the model is not how customers behave, they are the larger ones.

    Args:
        fit: of one of TRANSACTION_MODELS to these cells.
        cells: as in `fit`.
        replicates: number of draws, each of as many customers as there are, at most BOOTSTRAP_CUSTOMERS.
        seed: of the draws.

    Returns:
        By parameter name; spread on the logarithmic scale times the estimate, as standard errors of the fit are.
    """
    histories = Histories.of(cells)
    drawn_count = min(histories.customer_count, BOOTSTRAP_CUSTOMERS)
    generator = np.random.default_rng(seed)
    shares = histories.customers / histories.customers.sum()
    logs = []
    for _ in range(replicates):
        drawn = histories.of_customers(generator.multinomial(drawn_count, shares).astype(np.float64))
        logs.append(maximum([_stage(MODELS[fit.model], drawn)], [fit.values])[0])
    errors = fit.values * np.std(logs, axis=0, ddof=1) * np.sqrt(drawn_count / histories.customer_count)
    return dict(zip(fit.estimates, errors.tolist(), strict=True))


class _Expected(NamedTuple):
    """The columns of `score`, each of shape n."""

    probability_active: Floats
    probability_no_order: Floats
    expected_orders: Floats
    orders_variance: Floats
    discounted_orders: Floats


def _expect(
    model: TransactionModel, values: Floats, cells: pd.DataFrame, horizon_days: float, annual_discount_rate: float = 0.0
) -> _Expected:
    x, recency, age = _in_weeks(cells)
    horizon = horizon_days / DAYS_PER_WEEK
    odds = model.log_odds_left(values, x, recency, age)
    active, left = special.expit(-odds), special.expit(odds)

    no_order, orders, order_pairs, discounted = _of_pairs(
        x, age, lambda x, age: _if_active(model, values, x, age, horizon, annual_discount_rate)
    )
    expected = active * orders
    return _Expected(
        probability_active=active,
        probability_no_order=left + active * no_order,
        expected_orders=expected,
        orders_variance=np.maximum(active * (order_pairs + orders) - expected**2, 0),
        discounted_orders=active * discounted,
    )


def _of_pairs(x: Floats, age: Floats, of: Callable[[Floats, Floats], Floats]) -> Floats:
    """What holds of customers who are still there, m by n: it depends on the frequency and the age alone.

    These are far fewer pairs than cells, and are taken in parts that stay in the processor's cache.
    """
    place, pairs = pd.factorize(x + 1j * age)
    parts = [pairs[start : start + CHUNK] for start in range(0, max(len(pairs), 1), CHUNK)]
    return np.concatenate([of(part.real, part.imag) for part in parts], axis=1)[:, place]


def _if_active(
    model: TransactionModel, values: Floats, x: Floats, age: Floats, horizon: float, annual_discount_rate: float
) -> Floats:
    """Probability of no order, orders, their pairs and discounted orders of who is still there, 4 by n."""
    no_order = np.exp(model.log_probability_if_active(values, x, age, horizon, np.zeros(len(x), np.int64)))
    order_pairs = model.order_pairs_if_active(values, x, age, horizon)
    ends = np.full((len(x), 1), horizon)
    if not annual_discount_rate:
        orders = model.orders_if_active(values, x, age, ends)[:, 0]
        return np.stack([no_order, orders, order_pairs, orders])
    # Each order at u is worth exp(-rate u): by parts, what is sold by u weighs rate exp(-rate u).
    rate = np.log1p(annual_discount_rate) * DAYS_PER_WEEK / DAYS_PER_YEAR
    moments, widths = log_time(values[1] + age, np.zeros(len(x)), ends[:, 0], DISCOUNT_NODES)
    by_moment = model.orders_if_active(values, x, age, np.hstack([moments, ends]))
    orders = by_moment[:, -1]
    discounted = np.exp(-rate * horizon) * orders + rate * (widths * np.exp(-rate * moments) * by_moment[:, :-1]).sum(1)
    return np.stack([no_order, orders, order_pairs, discounted])


def _in_weeks(cells: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    frequency, recency, age = columns_of(cells)
    return frequency.astype(np.float64), recency / DAYS_PER_WEEK, age / DAYS_PER_WEEK


def _stage(model: TransactionModel, cells: Histories) -> Stage:
    return Stage(lambda values: model.likelihood(values, cells), cells.customer_count)


def _require_enough(cells: Histories) -> None:
    """Below these numbers a fit is a guess with a decimal point.

    Raises:
        NotEnoughData: what is needed, and what there is.
    """
    repeat_customers = int(cells.customers[cells.frequency > 0].sum())
    if cells.customer_count < MINIMUM_CUSTOMERS:
        raise NotEnoughData(f"{MINIMUM_CUSTOMERS} customers", cells.customer_count)
    if cells.age_days.max() < MINIMUM_AGE_DAYS:
        raise NotEnoughData(f"{MINIMUM_AGE_DAYS} days of orders", int(cells.age_days.max()))
    if repeat_customers < MINIMUM_REPEAT_CUSTOMERS:
        raise NotEnoughData(f"{MINIMUM_REPEAT_CUSTOMERS} customers with a repeat order", repeat_customers)
