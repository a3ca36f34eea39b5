"""Gamma-Gamma: what an order of a customer is worth, from how much and how often they bought.

Fader, Hardie and Lee (2005), JMR 42(4) 415-430: orders of a customer are gamma (p, rate) distributed, rates gamma
(q, v).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import special  # type: ignore[import-untyped]  # SciPy ships no types

from outside_in.clv.estimation import (
    Derivatives,
    Fit,
    Floats,
    Likelihood,
    NotEnoughData,
    Stage,
    maximum_likelihood,
    runs,
)

PARAMETERS = ("p", "q", "v")
MINIMUM_CUSTOMERS = 30
ONE_PRICE = 1e9  # p and q - 1 where every order costs the same: orders and customers that do not vary
SAMPLE_ROWS = 8192
CHUNK = 8192


def fit_gamma_gamma(spend_cells: pd.DataFrame, with_intervals: bool = False) -> Fit:
    """Fit the spend per order.

    Args:
        spend_cells: frequency (repeat order days, whole numbers), mean_order_value (mean of these days, in one
            currency) and customer_count; distinct. Rows without a repeat or without a positive mean are left out: a
            gift is no spend.
        with_intervals: of the parameters, too.

    Returns:
        The fit of p, q and v; v in the currency. Where all customers spend the same it is the model's limit, in which
        every order is worth that: at the boundary, without a likelihood, for one value has no density.

    Raises:
        NotEnoughData: too few such customers.
    """
    spend = spend_cells[(spend_cells["frequency"] > 0) & (spend_cells["mean_order_value"] > 0)]
    x, mean = spend["frequency"].to_numpy(np.float64), spend["mean_order_value"].to_numpy(np.float64)
    customers = spend["customer_count"].to_numpy(np.float64)
    order = np.argsort(mean)
    order = order[np.argsort(x[order], kind="stable")]
    x, mean, customers = x[order], mean[order], customers[order]
    customer_count = int(customers.sum())
    if customer_count < MINIMUM_CUSTOMERS:
        raise NotEnoughData(f"{MINIMUM_CUSTOMERS} customers with a repeat order of positive value", customer_count)
    # In units of the mean, so that no currency is an extreme one.
    unit = float((customers * mean).sum() / customer_count)
    if np.ptp(mean) <= 1e-9 * mean.max():
        return _of_one_price(unit, customer_count)
    stages = [Stage(_likelihood(x, mean / unit, customers), customer_count)]
    if len(x) > SAMPLE_ROWS:
        rows = slice(None, None, -(-len(x) // SAMPLE_ROWS))
        sample = _likelihood(x[rows], mean[rows] / unit, customers[rows])
        stages.insert(0, Stage(sample, int(customers[rows].sum())))
    scaled = maximum_likelihood("gamma_gamma", PARAMETERS, stages, [np.array([5.0, 4.0, 0.6])], with_intervals)
    error = scaled.standard_errors["v"]
    intervals = dict(scaled.intervals)
    if with_intervals:
        low, high = scaled.intervals["v"]
        intervals["v"] = (low and low * unit, high and high * unit)
    return replace(
        scaled,
        estimates={**scaled.estimates, "v": scaled.estimates["v"] * unit},
        standard_errors={**scaled.standard_errors, "v": None if error is None else error * unit},
        intervals=intervals,
        log_likelihood=scaled.log_likelihood - customer_count * float(np.log(unit)),
        # Without a mean of the population (q <= 1) customers without a repeat have no expected value.
        is_at_boundary=scaled.is_at_boundary or scaled.estimates["q"] <= 1,
    )


def expected_order_value(fit: Fit, frequency: Floats, mean_order_value: Floats) -> Floats:
    """Expected value of an order of a customer: their own mean, drawn towards that of all the more the fewer they are.

    Args:
        fit: of `fit_gamma_gamma`.
        frequency: repeat order days, shape n.
        mean_order_value: mean of these days; of no account where there are none (nan will do), shape n.

    Returns:
        Shape n; nan where no mean exists (p frequency + q <= 1).
    """
    p, q, v = fit.values
    spent = np.where(frequency > 0, frequency * np.where(frequency > 0, mean_order_value, 0), 0)
    weight = p * np.asarray(frequency) + q - 1
    return np.where(weight > 0, p * (v + spent) / np.where(weight > 0, weight, 1), np.nan)


def value_interval_factors(
    fit: Fit, scores: pd.DataFrame, frequency: Floats, common_sd: float = 0.0, coverage: float = 0.95
) -> tuple[Floats, Floats]:
    """Ends of the forecast interval of a customer's value in the horizon, as multiples of its expectation.

    The number of orders, the customer's level and each order's value are random. All of it relative to the expected
    value depends on the cell alone, so customers need no more than a multiplication. No order has its own probability;
    given one, the value is taken to be gamma distributed with the mean and variance that it has.

    Args:
        fit: of `fit_gamma_gamma`.
        scores: of `transactions.score`, n rows.
        frequency: of the same cells, shape n.
        common_sd: see `forecasts.common_variation`.
        coverage: of the interval.

    Returns:
        Factors of the lower and upper end, both of shape n.
    """
    p, q, _ = fit.values
    orders = np.maximum(scores["expected_orders"].to_numpy(), 1e-12)
    square = scores["orders_variance"].to_numpy() + orders**2
    # A level whose variance does not exist (p x + q <= 2) is given a relative variance of 4: wide, and finite.
    level = 1 / np.maximum(p * np.asarray(frequency) + q - 2, 0.25)
    second = (1 + level) * (1 + common_sd**2) * (square + orders / p) / orders**2

    none = scores["probability_no_order"].to_numpy()
    some = np.maximum(1 - none, 1e-12)
    mean = 1 / some
    variance = np.maximum(second / some - mean**2, 1e-12)
    ends = []
    for quantile in ((1 - coverage) / 2, (1 + coverage) / 2):
        within = (quantile - none) / some
        end, above_none = np.zeros(len(within)), within > 0
        shape = (mean**2 / variance)[above_none]
        end[above_none] = special.gammaincinv(shape, within[above_none]) * (variance / mean)[above_none]
        ends.append(end)
    return ends[0], ends[1]


def _of_one_price(price: float, customer_count: int) -> Fit:
    return Fit(
        model="gamma_gamma",
        estimates={"p": ONE_PRICE, "q": ONE_PRICE + 1, "v": price},
        standard_errors=dict.fromkeys(PARAMETERS),
        intervals=dict.fromkeys(PARAMETERS, (None, None)),
        log_likelihood=np.nan,
        customer_count=customer_count,
        gradient_norm=0.0,
        is_converged=True,
        is_at_boundary=True,
        log_covariance=np.zeros((3, 3)),
    )


def _likelihood(x: Floats, mean: Floats, customers: Floats) -> Likelihood:
    """Log-likelihood of the means with its derivatives in (p, q, v); rows are ordered by x."""
    starts = runs(x)
    frequencies, counts = x[starts], np.add.reduceat(customers, starts)
    total = customers.sum()
    log_means = (customers * np.log(mean)).sum()
    order_log_means = (customers * x * np.log(mean)).sum()

    def likelihood(values: Floats) -> Derivatives:
        p, q, v = values
        log_sum, order_log_sum, inverse, order_inverse, square, order_square = _sums(x, mean, customers, v)
        orders, shape = p * frequencies, p * frequencies + q
        value = (
            counts
            * (
                special.gammaln(shape)
                - special.gammaln(orders)
                - special.gammaln(q)
                + q * np.log(v)
                + orders * np.log(frequencies)
            )
        ).sum()
        value += p * order_log_means - log_means - p * order_log_sum - q * log_sum
        trend = special.digamma(shape)
        gradient = np.array(
            [
                (counts * frequencies * (trend - special.digamma(orders) + np.log(frequencies))).sum()
                + order_log_means
                - order_log_sum,
                (counts * (trend - special.digamma(q) + np.log(v))).sum() - log_sum,
                total * q / v - p * order_inverse - q * inverse,
            ]
        )
        bend = special.polygamma(1, shape)
        by_p_q = (counts * frequencies * bend).sum()
        by_q_v = total / v - inverse
        hessian = np.array(
            [
                [(counts * frequencies**2 * (bend - special.polygamma(1, orders))).sum(), by_p_q, -order_inverse],
                [by_p_q, (counts * (bend - special.polygamma(1, q))).sum(), by_q_v],
                [-order_inverse, by_q_v, p * order_square + q * square - total * q / v**2],
            ]
        )
        return Derivatives(float(value), gradient, hessian)

    return likelihood


def _sums(x: Floats, mean: Floats, customers: Floats, v: float) -> Floats:
    """Over customers with y = x mean + v: sums of ln y, x ln y, 1 / y, x / y, 1 / y², x / y²."""
    sums = np.zeros(6)
    for start in range(0, len(x), CHUNK):
        rows = slice(start, start + CHUNK)
        y = x[rows] * mean[rows] + v
        of_y = np.stack([np.log(y), 1 / y, 1 / y**2])
        weights = np.stack([customers[rows], customers[rows] * x[rows]])
        sums += np.einsum("ik,jk->ij", of_y, weights).ravel()
    return sums
