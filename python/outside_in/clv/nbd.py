"""NBD: customers order at their own rate and never leave. The fallback, and a part of all the others.

Ehrenberg (1959). Rates are gamma distributed with shape r and rate alpha (weeks) over customers.
"""

from __future__ import annotations

import numpy as np
from scipy import special  # type: ignore[import-untyped]  # SciPy ships no types

from outside_in.clv.estimation import Derivatives, Floats, Integers
from outside_in.clv.histories import Histories


def nbd_likelihood(r: float, alpha: float, cells: Histories) -> Derivatives:
    """Log-likelihood of orders at given moments by customers who all stay, with derivatives in (r, alpha)."""
    x, customers = cells.frequencies
    days, orders = cells.customers_by_age, cells.orders_by_age
    count = cells.customers.sum()
    time = alpha + cells.weeks
    log_time = np.log(time)
    shape_sum = r * days + orders
    value = (
        (customers * (special.gammaln(r + x) - special.gammaln(r))).sum()
        + count * r * np.log(alpha)
        - (shape_sum * log_time).sum()
    )
    by_r = (
        (customers * (special.digamma(r + x) - special.digamma(r))).sum()
        + count * np.log(alpha)
        - (days * log_time).sum()
    )
    by_alpha = count * r / alpha - (shape_sum / time).sum()
    by_r_r = (customers * (special.polygamma(1, r + x) - special.polygamma(1, r))).sum()
    by_r_alpha = count / alpha - (days / time).sum()
    by_alpha_alpha = -count * r / alpha**2 + (shape_sum / time**2).sum()
    return Derivatives(
        float(value),
        np.array([by_r, by_alpha]),
        np.array([[by_r_r, by_r_alpha], [by_r_alpha, by_alpha_alpha]]),
    )


def log_count_probability(shape: Floats, rate: Floats, horizon: float | Floats, counts: Integers | float) -> Floats:
    """Log-probability of `counts` orders in a horizon, where the rate is gamma distributed (shape, rate in weeks)."""
    return np.asarray(
        special.gammaln(shape + counts)
        - special.gammaln(shape)
        - special.gammaln(counts + 1)
        - shape * np.log1p(horizon / rate)
        + special.xlogy(counts, horizon / (rate + horizon))
    )


class Nbd:
    """The model without any leaving."""

    name = "nbd"
    parameters = ("r", "alpha")

    def starts(self, orders_per_week: float) -> list[Floats]:
        """Points to start from."""
        return [np.array([0.5, 0.5 / orders_per_week])]

    def likelihood(self, values: Floats, cells: Histories) -> Derivatives:
        """Log-likelihood of all customers with its derivatives."""
        return nbd_likelihood(values[0], values[1], cells)

    def log_odds_left(self, values: Floats, x: Floats, recency: Floats, age: Floats) -> Floats:
        """Log-odds of having left by `age`: minus infinity."""
        return np.full(len(x), -np.inf)

    def orders_if_active(self, values: Floats, x: Floats, age: Floats, horizons: Floats) -> Floats:
        """Expected orders."""
        r, alpha = values
        return np.asarray(((r + x) / (alpha + age))[:, None] * horizons)

    def order_pairs_if_active(self, values: Floats, x: Floats, age: Floats, horizon: float) -> Floats:
        """Expected N (N - 1) of the number of orders N."""
        r, alpha = values
        return np.asarray((r + x) * (r + x + 1) * (horizon / (alpha + age)) ** 2)

    def log_probability_if_active(
        self, values: Floats, x: Floats, age: Floats, horizon: float, counts: Integers
    ) -> Floats:
        """Log-probability of `counts` orders."""
        r, alpha = values
        return log_count_probability(r + x, alpha + age, horizon, counts)
