"""BG/NBD and MBG/NBD: after each order a customer may leave, with a chance of their own.

Fader, Hardie and Lee (2005), Marketing Science 24(2) 275-284, and Batislam, Denizel and Filiztekin (2007), where
customers may also leave right after their first order. Rates are gamma (r, alpha weeks), chances of leaving beta (a, b)
distributed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special  # type: ignore[import-untyped]  # SciPy ships no types

from outside_in.clv.estimation import Derivatives, Floats, Integers, softplus
from outside_in.clv.histories import Histories
from outside_in.clv.nbd import log_count_probability, nbd_likelihood
from outside_in.clv.quadrature import beta_rule

CHUNK = 8192
NODES = 20


@dataclass(frozen=True)
class BgNbd:
    """Both models: they differ in whether the first order is followed by a chance of leaving.

    Attributes:
        name: of the model.
        first_chances: chances of leaving after the first order: 0 in BG/NBD, 1 in MBG/NBD.
    """

    name: str
    first_chances: int
    parameters = ("r", "alpha", "a", "b")

    def starts(self, orders_per_week: float) -> list[Floats]:
        """Points to start from: few leave, and many do."""
        return [np.array([0.5, 0.3 / orders_per_week, a, b]) for a, b in ((0.2, 4.0), (1.0, 2.0))]

    def likelihood(self, values: Floats, cells: Histories) -> Derivatives:
        """Log-likelihood of all customers with its derivatives.

        That of customers who stay (rates, then the chances they survived), plus ln(1 + odds of having left).
        """
        r, alpha, a, b = values
        value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))

        rates = nbd_likelihood(r, alpha, cells)
        value += rates.value
        gradient[:2] += rates.gradient
        hessian[:2, :2] += rates.hessian

        x, customers = cells.frequencies
        chances = x + self.first_chances
        value += (customers * (special.betaln(a, b + chances) - special.betaln(a, b))).sum()
        survived = special.digamma(a + b) - special.digamma(a + b + chances)
        gradient[2] += (customers * survived).sum()
        gradient[3] += (customers * (survived + special.digamma(b + chances) - special.digamma(b))).sum()
        survived = special.polygamma(1, a + b) - special.polygamma(1, a + b + chances)
        hessian[2:, 2:] += (customers * survived).sum()
        hessian[3, 3] += (customers * (special.polygamma(1, b + chances) - special.polygamma(1, b))).sum()

        time = alpha + cells.weeks
        log_time, rate_time = np.log(time), 1 / time
        without_chance = 0 if self.first_chances else int(np.searchsorted(cells.frequency, 1))
        for part in cells.part(slice(without_chance, None)).chunks(CHUNK):
            shape = r + part.frequency
            before = b + part.frequency + (self.first_chances - 1)
            silence = log_time[part.age_days] - log_time[part.recency_days]
            closer, later = rate_time[part.recency_days], rate_time[part.age_days]
            odds = shape * silence + np.log(a / before)
            gain, left = softplus(odds)
            value += (part.customers * gain).sum()

            slopes = np.stack([silence, shape * (later - closer), np.full(len(part), 1 / a), -1 / before])
            weight = part.customers * left
            gradient += (weight * slopes).sum(axis=1)
            hessian += np.einsum("ik,jk->ij", weight * (1 - left) * slopes, slopes)
            hessian[0, 1] += (crossed := (weight * (later - closer)).sum())
            hessian[1, 0] += crossed
            hessian[1, 1] += (weight * shape * (closer**2 - later**2)).sum()
            hessian[2, 2] -= weight.sum() / a**2
            hessian[3, 3] += (weight / before**2).sum()
        return Derivatives(float(value), gradient, hessian)

    def log_odds_left(self, values: Floats, x: Floats, recency: Floats, age: Floats) -> Floats:
        """Log-odds of having left by `age`, minus infinity for who never had a chance."""
        r, alpha, a, b = values
        chances = x + self.first_chances
        odds = (r + x) * np.log((alpha + age) / (alpha + recency)) + np.log(a / (b + np.maximum(chances, 1) - 1))
        return np.where(chances > 0, odds, -np.inf)

    def orders_if_active(self, values: Floats, x: Floats, age: Floats, horizons: Floats) -> Floats:
        """Expected orders of who is still there.

        The expectation of (1 - (A / (A + p t))^R) / p over the chance p: equation (10) of the paper without its
        singularity at a = 1, where (1 - …) / (a - 1) is 0 / 0.
        """
        r, alpha, _, _ = values
        chance, weight = self._chances(values, x)
        reach = horizons / (alpha + age)[:, None]
        missed = np.expm1(-(r + x)[:, None, None] * np.log1p(chance[:, None, :] * reach[:, :, None]))
        return np.asarray(-np.einsum("imk,ik->im", missed, weight / chance))

    def order_pairs_if_active(self, values: Floats, x: Floats, age: Floats, horizon: float) -> Floats:
        """Expected N (N - 1) of the number of orders N of who is still there.

        For a chance p and a rate l two orders lie at u < v with density (1 - p) l² exp(-l p v).
        """
        r, alpha, _, _ = values
        chance, weight = self._chances(values, x)
        shape = (r + x)[:, None]
        reach = chance * (horizon / (alpha + age))[:, None]
        at_least_two = -np.expm1(-shape * np.log1p(reach) + np.log1p(shape * reach / (1 + reach)))
        return np.asarray((2 * (1 - chance) * weight / chance**2 * at_least_two).sum(axis=1))

    def log_probability_if_active(
        self, values: Floats, x: Floats, age: Floats, horizon: float, counts: Integers
    ) -> Floats:
        """Log-probability of `counts` orders of who is still there.

        Either they stay after each of them, or they leave after the last one, at whatever moment it came.
        """
        r, alpha, a, b = values
        b = b + x + self.first_chances
        rate, later = alpha + age, np.maximum(counts, 1)
        stays = special.betaln(a, b + counts) - special.betaln(a, b)
        stays = stays + log_count_probability(r + x, rate, horizon, counts)
        at_least = special.betainc(later, r + x, horizon / (rate + horizon))
        with np.errstate(divide="ignore"):
            leaves = special.betaln(a + 1, b + later - 1) - special.betaln(a, b) + np.log(at_least)
        return np.asarray(np.where(counts > 0, np.logaddexp(stays, leaves), stays))

    def _chances(self, values: Floats, x: Floats) -> tuple[Floats, Floats]:
        """Nodes and weights of the chance of leaving, both n by nodes: it depends on the frequency alone."""
        _, _, a, b = values
        distinct, place = np.unique(x, return_inverse=True)
        nodes, weights = beta_rule(np.full(len(distinct), a), b + distinct + self.first_chances, NODES)
        # A node at 0 would be 0 / 0; this close to it nothing changes any more.
        return np.maximum(nodes, 1e-9)[place], weights[place]


BG_NBD = BgNbd("bg_nbd", 0)
MBG_NBD = BgNbd("mbg_nbd", 1)
