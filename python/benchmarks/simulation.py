"""Customers drawn from the models themselves, so that the truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from outside_in.clv.estimation import Floats, Integers

CDNOW = {
    "bg_nbd": {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259},
    "mbg_nbd": {"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.6140},
    "pareto_nbd": {"r": 0.5533, "alpha": 10.5777, "s": 0.6062, "beta": 11.6687},
    "nbd": {"r": 0.3848, "alpha": 12.0720},
    "gamma_gamma": {"p": 6.25, "q": 3.74, "v": 15.44},
}


def simulate(
    model: str,
    customer_count: int,
    seed: int,
    days: int = 364,
    entry_days: int = 91,
    horizon_days: int = 273,
    parameters: dict[str, float] | None = None,
    is_merged_by_day: bool = True,
) -> pd.DataFrame:
    """Draw customers of a transaction model with Gamma-Gamma spend.

    Args:
        model: one of TRANSACTION_MODELS.
        customer_count: number of customers.
        seed: of the draws.
        days: from the first customer's first order to the end of what is known.
        entry_days: first orders come in these first days, evenly.
        horizon_days: length of the holdout after it.
        parameters: of the transaction model, times in weeks; those of CDNOW by default.
        is_merged_by_day: orders of one day are one, as in the warehouse. Else every order counts and a time is known to
            the nearest day, as the models themselves would have it.

    Returns:
        One row per customer: frequency, recency_days, age_days and mean_order_value (nan without a repeat) of what is
        known, horizon_orders and horizon_value of what comes.
    """
    generator = np.random.default_rng(seed)
    truth = parameters or CDNOW[model]
    rate = generator.gamma(truth["r"], 1 / truth["alpha"], customer_count) / 7
    age = days - 1 - generator.integers(0, entry_days, customer_count)
    end = age + horizon_days + 1.0
    if "beta" in truth:
        leaving = np.maximum(generator.gamma(truth["s"], 1 / truth["beta"], customer_count) / 7, 1e-300)
        end = np.minimum(end, generator.exponential(1.0, customer_count) / leaving)
    chance = generator.beta(truth["a"], truth["b"], customer_count) if "a" in truth else np.zeros(customer_count)

    frequency, recency, ahead = (np.zeros(customer_count, np.int64) for _ in range(3))
    first = generator.random(customer_count)  # when in their first day
    time, last_day = first.copy(), np.zeros(customer_count, np.int64)
    present = np.arange(customer_count)
    if model == "mbg_nbd":
        present = present[generator.random(customer_count) >= chance]
    while present.size:
        time[present] += generator.exponential(1.0, present.size) / np.maximum(rate[present], 1e-300)
        present = present[time[present] < first[present] + end[present]]
        elapsed = time[present] - first[present]
        day = time[present].astype(np.int64) if is_merged_by_day else np.maximum(np.rint(elapsed), 1).astype(np.int64)
        when = day if is_merged_by_day else elapsed
        new, known = (day > last_day[present]) | (not is_merged_by_day), when <= age[present]
        frequency[present] += new & known
        ahead[present] += new & ~known & (when <= age[present] + horizon_days)
        recency[present] = np.where(known, np.minimum(day, age[present]), recency[present])
        last_day[present] = day
        present = present[generator.random(present.size) >= chance[present]]

    spend = CDNOW["gamma_gamma"]
    level = generator.gamma(spend["q"], 1 / spend["v"], customer_count)
    return pd.DataFrame(
        {
            "frequency": frequency,
            "recency_days": recency,
            "age_days": age,
            "mean_order_value": _sum_of_orders(generator, spend["p"], level, frequency)
            / np.where(frequency, frequency, 1),
            "horizon_orders": ahead,
            "horizon_value": _sum_of_orders(generator, spend["p"], level, ahead),
        }
    ).assign(mean_order_value=lambda drawn: drawn["mean_order_value"].where(drawn["frequency"] > 0))


def _sum_of_orders(generator: np.random.Generator, shape: float, level: Floats, counts: Integers) -> Floats:
    return generator.gamma(shape * np.maximum(counts, 1)) / level * (counts > 0)


def to_cells(customers: pd.DataFrame, *more: str) -> pd.DataFrame:
    """Group customers to cells of equal history (and of equal further columns)."""
    keys = ["frequency", "recency_days", "age_days", *more]
    return customers.groupby(keys).size().rename("customer_count").reset_index()
