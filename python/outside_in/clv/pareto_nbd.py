"""Pareto/NBD: a customer may leave at any moment, unseen.

Schmittlein, Morrison and Colombo (1987); notation of Fader and Hardie (2005), "A note on
deriving the Pareto/NBD model".
Rates of ordering are gamma (r, alpha weeks), rates of leaving gamma (s, beta weeks) distributed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special  # type: ignore[import-untyped]  # SciPy ships no types

from outside_in.clv.estimation import Derivatives, Floats, Integers, softplus
from outside_in.clv.histories import DAYS_PER_WEEK, Histories
from outside_in.clv.nbd import log_count_probability, nbd_likelihood
from outside_in.clv.quadrature import log_time

CHUNK = 1024
NODES = 20
# Where an integrand has fallen by exp(25) nothing is left; nodes beyond would be missed where there is something.
NEGLIGIBLE = 25.0
# Stands for no time at all, where a logarithm is taken.
TINY = 1e-300
ALMOST_ONE = 1 - 1e-13


class Leaving(NamedTuple):
    """Moments of leaving, each n by nodes.

    Attributes:
        moment: weeks since the first order.
        order_gain: ln((alpha + age) / (alpha + moment)), in favour of having left: no orders were due since.
        leave_gain: the same of beta.
        log_odds: of having left at that node against staying; they include its weight.
    """

    moment: Floats
    order_gain: Floats
    leave_gain: Floats
    log_odds: Floats


class ParetoNbd:
    """The model that leaves at any moment."""

    name = "pareto_nbd"
    parameters = ("r", "alpha", "s", "beta")

    def starts(self, orders_per_week: float) -> list[Floats]:
        """Points to start from: few leave, and many do."""
        return [np.array([0.5, 0.3 / orders_per_week, s, beta]) for s, beta in ((0.3, 40.0), (0.7, 10.0))]

    def likelihood(self, values: Floats, cells: Histories) -> Derivatives:
        """Log-likelihood of all customers with its derivatives.

        That of customers who stay, plus ln(1 + odds of having left), where the odds are an integral over the moment of
        leaving. Derivatives of a logarithm of a sum are means and covariances over its terms.
        """
        r, alpha, s, beta = values
        value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))

        rates = nbd_likelihood(r, alpha, cells)
        value += rates.value
        gradient[:2] += rates.gradient
        hessian[:2, :2] += rates.hessian

        days, stay = cells.customers_by_age, beta + cells.weeks
        value += s * (days * np.log(beta / stay)).sum()
        gradient[2] += (days * np.log(beta / stay)).sum()
        gradient[3] += s * (days * (1 / beta - 1 / stay)).sum()
        hessian[2, 3] += (crossed := (days * (1 / beta - 1 / stay)).sum())
        hessian[3, 2] += crossed
        hessian[3, 3] += s * (days * (1 / stay**2 - 1 / beta**2)).sum()

        for part in cells.chunks(CHUNK):
            x = part.frequency.astype(np.float64)
            recency, age = part.recency_days / DAYS_PER_WEEK, part.age_days / DAYS_PER_WEEK
            left_at = self._leaving(values, x, recency, age)
            largest = left_at.log_odds.max(axis=1, keepdims=True)
            terms = np.exp(left_at.log_odds - largest)
            total = terms.sum(axis=1, keepdims=True)
            gain, left = softplus((largest + np.log(total))[:, 0])
            value += (part.customers * gain).sum()

            shape = (r + x)[:, None]
            order, order_end = 1 / (alpha + left_at.moment), (1 / (alpha + age))[:, None]
            leave, leave_end = 1 / (beta + left_at.moment), (1 / (beta + age))[:, None]
            slopes = np.stack(
                [
                    left_at.order_gain,
                    shape * (order_end - order),
                    left_at.leave_gain + 1 / s,
                    s * leave_end - (s + 1) * leave,
                ]
            )
            weight = part.customers * left
            share = weight[:, None] / total * terms
            mean = (share * slopes).sum(axis=2)
            gradient += mean.sum(axis=1)
            hessian += np.einsum("ik,jk->ij", (share * slopes).reshape(4, -1), slopes.reshape(4, -1))
            hessian -= np.einsum("ik,jk->ij", mean / np.where(part.customers > 0, part.customers, 1), mean)
            hessian[0, 1] += (crossed := (share * (order_end - order)).sum())
            hessian[1, 0] += crossed
            hessian[1, 1] += (share * shape * (order**2 - order_end**2)).sum()
            hessian[2, 2] -= weight.sum() / s**2
            hessian[2, 3] += (crossed := (share * (leave_end - leave)).sum())
            hessian[3, 2] += crossed
            hessian[3, 3] += (share * ((s + 1) * leave**2 - s * leave_end**2)).sum()
        return Derivatives(float(value), gradient, hessian)

    def log_odds_left(self, values: Floats, x: Floats, recency: Floats, age: Floats) -> Floats:
        """Log-odds of having left by `age`."""
        odds = np.empty(len(x))
        for start in range(0, len(x), CHUNK):
            rows = slice(start, start + CHUNK)
            odds[rows] = special.logsumexp(self._leaving(values, x[rows], recency[rows], age[rows]).log_odds, axis=1)
        return odds

    def orders_if_active(self, values: Floats, x: Floats, age: Floats, horizons: Floats) -> Floats:
        """Expected orders of who is still there: equation (41) of the note, without its singularity at s = 1."""
        r, alpha, s, beta = values
        x, age = x[:, None], age[:, None]
        log_stay = np.log1p(horizons / (beta + age))
        present = (beta + age) * log_stay * special.exprel((1 - s) * log_stay)
        return np.asarray((r + x) / (alpha + age) * present)

    def order_pairs_if_active(self, values: Floats, x: Floats, age: Floats, horizon: float) -> Floats:
        """Expected N (N - 1) of the number of orders N of who is still there."""
        r, alpha, s, beta = values
        log_stay = np.log1p(horizon / (beta + age))
        present = special.exprel((2 - s) * log_stay) - special.exprel((1 - s) * log_stay)
        present = 2 * (beta + age) ** 2 * log_stay * present
        return np.asarray((r + x) * (r + x + 1) / (alpha + age) ** 2 * present)

    def log_probability_if_active(
        self, values: Floats, x: Floats, age: Floats, horizon: float, counts: Integers
    ) -> Floats:
        """Log-probability of `counts` orders of who is still there.

        Either they stay to the end, or they leave at a moment with all orders before it.
        """
        r, alpha, s, beta = values
        shape, order_rate, leave_rate = r + x, alpha + age, beta + age
        stays = log_count_probability(shape, order_rate, horizon, counts) - s * np.log1p(horizon / leave_rate)

        # As a function of u / (rate + u), the orders until u and the leaving at u are beta shaped, each alone and (with
        # the larger rate) both together: the integral is taken where none of them is 0.
        after = counts + 1
        first = _odds(special.betaincinv(after, shape + s, 1e-16)) * np.minimum(order_rate, leave_rate)
        last = np.minimum.reduce(
            [
                _odds(special.betaincinv(after, shape, ALMOST_ONE)) * order_rate,
                _odds(special.betaincinv(after, shape + s, ALMOST_ONE)) * np.maximum(order_rate, leave_rate),
                _odds(special.betaincinv(after, np.maximum(s - counts, TINY), ALMOST_ONE)) * leave_rate,
                np.full(len(x), horizon),
            ]
        )
        first = np.minimum(first, last)
        moment, width = log_time(np.minimum(order_rate, leave_rate), first, last, NODES)
        density = np.log(s / leave_rate)[:, None] - (s + 1) * np.log1p(moment / leave_rate[:, None])
        with np.errstate(divide="ignore"):
            log_width = np.log(width)
        log_terms = (
            density + log_width + log_count_probability(shape[:, None], order_rate[:, None], moment, counts[:, None])
        )
        return np.asarray(np.logaddexp(stays, special.logsumexp(log_terms, axis=1)))

    def _leaving(self, values: Floats, x: Floats, recency: Floats, age: Floats) -> Leaving:
        """Moments since the last order at which a customer may have left: the nodes of the integral over them."""
        r, alpha, s, beta = values
        shape = r + x
        with np.errstate(over="ignore"):
            reach = np.minimum(
                np.minimum(
                    (alpha + recency) * np.expm1(NEGLIGIBLE / shape), (beta + recency) * np.expm1(NEGLIGIBLE / (s + 1))
                ),
                np.minimum((max(alpha, beta) + recency) * np.expm1(NEGLIGIBLE / (shape + s + 1)), age - recency),
            )
        silence, width = log_time(min(alpha, beta) + recency, np.zeros(len(x)), reach, NODES)
        moment = recency[:, None] + silence
        log_leave = np.log(beta + moment)
        order_gain = np.log(alpha + age)[:, None] - np.log(alpha + moment)
        leave_gain = np.log(beta + age)[:, None] - log_leave
        log_odds = np.log(s * np.maximum(width, TINY)) + shape[:, None] * order_gain + s * leave_gain - log_leave
        return Leaving(moment, order_gain, leave_gain, log_odds)


def _odds(probability: Floats) -> Floats:
    return np.asarray(probability / np.maximum(1 - probability, TINY))


PARETO_NBD = ParetoNbd()
