"""Shifted beta-geometric: how long customers with a contract stay.

Fader and Hardie (2007), "How to project customer retention": at the end of each period a customer cancels with a chance
of their own, beta (alpha, beta) distributed. Those who stay are ever more those who stay anyway, so retention rises.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from outside_in.clv.estimation import Derivatives, Fit, Floats, Integers, NotEnoughData, Stage, maximum_likelihood
from outside_in.clv.forecasts import Total

MINIMUM_CUSTOMERS = 30
MINIMUM_PERIODS = 2


def fit_shifted_beta_geometric(cohorts: pd.DataFrame, with_intervals: bool = False) -> Fit:
    """Fit the chance of cancelling.

    Args:
        cohorts: one row per cohort and period of life that all of its customers could see: period (1 is the first),
            active_count (customers at its start) and lost_count (of them, lost in it); whole numbers.
        with_intervals: of the parameters, too.

    Returns:
        The fit of alpha and beta.

    Raises:
        NotEnoughData: too few customers or periods, or nobody was lost.
        ValueError: more lost than there were, or a period below 1.
    """
    impossible = (
        (cohorts["lost_count"] > cohorts["active_count"]) | (cohorts["lost_count"] < 0) | (cohorts["period"] < 1)
    )
    if impossible.any():
        raise ValueError(f"cohorts: impossible row {cohorts[impossible].iloc[0].to_dict()}")
    sums = cohorts[cohorts["active_count"] > 0].groupby("period", sort=True)[["active_count", "lost_count"]].sum()
    before = sums.index.to_numpy(np.float64) - 1
    active, lost = (sums[column].to_numpy(np.float64) for column in ("active_count", "lost_count"))
    customer_count = int(cohorts.loc[cohorts["period"] == 1, "active_count"].sum())
    if customer_count < MINIMUM_CUSTOMERS:
        raise NotEnoughData(f"{MINIMUM_CUSTOMERS} customers with a contract", customer_count)
    if len(sums) < MINIMUM_PERIODS:
        raise NotEnoughData(f"{MINIMUM_PERIODS} periods of contract", len(sums))
    if not 0 < lost.sum() < active.sum():
        raise NotEnoughData("contracts that ended and contracts that went on", f"{lost.sum():g} ended")

    def likelihood(values: Floats) -> Derivatives:
        alpha, beta = values
        kept = active - lost
        every, stay = alpha + beta + before, beta + before
        value = (lost * np.log(alpha / every)).sum() + (kept * np.log(stay / every)).sum()
        by_both = (active / every).sum()
        twice = (active / every**2).sum()
        gradient = np.array([lost.sum() / alpha - by_both, (kept / stay).sum() - by_both])
        hessian = np.array([[twice - lost.sum() / alpha**2, twice], [twice, twice - (kept / stay**2).sum()]])
        return Derivatives(float(value), gradient, hessian)

    stage = Stage(likelihood, customer_count)
    start = np.array([1.0, 3.0])
    return maximum_likelihood("shifted_beta_geometric", ("alpha", "beta"), [stage], [start], with_intervals)


def survival(fit: Fit, periods: int) -> Floats:
    """Probability of being there after 0, 1, … `periods` periods; shape periods + 1."""
    alpha, beta = fit.values
    before = np.arange(periods)
    return np.concatenate([[1.0], np.cumprod((beta + before) / (alpha + beta + before))])


def remaining_periods(fit: Fit, survived: Integers, horizon: int, discount_rate: float = 0.0) -> Floats:
    """Expected discounted periods paid in the `horizon` next ones, by customers who are there after `survived` ones.

    Renewals fall at the start of a period: the first is worth its probability, the next one 1 / (1 + rate) of it, ….

    Args:
        fit: of `fit_shifted_beta_geometric`.
        survived: periods completed, shape n.
        horizon: number of periods looked ahead.
        discount_rate: per period.

    Returns:
        Shape n.
    """
    alpha, beta = fit.values
    before = np.asarray(survived, np.float64)[:, None] + np.arange(horizon)
    still_there = np.cumprod((beta + before) / (alpha + beta + before), axis=1)
    return np.asarray((still_there * (1 + discount_rate) ** -np.arange(horizon)).sum(axis=1))


def total_lost_periods(fit: Fit, survived: Integers, contracts: Floats, horizon: int) -> Total:
    """Periods of the `horizon` next ones that all contracts together will not pay.

    Of the lost ones, for they are what varies: most contracts go on. The variance is that of the contracts plus that of
    the parameters (delta method).

    Args:
        fit: of `fit_shifted_beta_geometric`.
        survived: periods completed, shape n.
        contracts: number of contracts that have, shape n.
        horizon: number of periods looked ahead.
    """
    alpha, beta = fit.values
    before = np.asarray(survived, np.float64)[:, None] + np.arange(horizon)
    still_there = np.cumprod((beta + before) / (alpha + beta + before), axis=1)
    paid = still_there.sum(axis=1)
    squares = (still_there * (2 * np.arange(horizon) + 1)).sum(axis=1)
    # How ln(still there) falls with ln(alpha) and rises with ln(beta).
    falls = alpha / (alpha + beta + before)
    slopes = np.stack([np.cumsum(falls, axis=1), -np.cumsum(falls * beta / (beta + before), axis=1)])
    slope = (slopes * still_there).sum(axis=2) @ contracts
    variance = contracts @ (squares - paid**2) + slope @ fit.log_covariance @ slope
    return Total(float(contracts @ (horizon - paid)), float(variance))
