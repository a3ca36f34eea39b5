"""Scores of today's distinct histories and running contracts: tables that the warehouse joins to its customers."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd

from outside_in.clv.backtests import KEY, own_variation
from outside_in.clv.contracts import remaining_periods
from outside_in.clv.fits import ALL, Row, current_snapshot, dated, distinct_histories, populations, stored_fit
from outside_in.clv.histories import KEYS
from outside_in.clv.spend import value_interval_factors
from outside_in.clv.transactions import score
from outside_in.frames import typed

SCORES = {
    "segment": "text",
    "model": "text",
    "frequency": "whole",
    "recency_days": "whole",
    "age_days": "whole",
    "probability_active": "number",
    "expected_orders": "number",
    "discounted_orders": "number",
    "low_factor": "number",
    "high_factor": "number",
}
CONTRACT_SCORES = {
    "renewal_count": "whole",
    "discounted_months": "number",
    "discounted_months_low": "number",
    "discounted_months_high": "number",
}


def score_table(
    snapshots: pd.DataFrame,
    cells: pd.DataFrame,
    fits: pd.DataFrame,
    choices: pd.DataFrame,
    backtests: pd.DataFrame,
    annual_discount_rate: float,
) -> pd.DataFrame:
    """Score the distinct histories of today, each with the model chosen for its segment.

    Args:
        snapshots: of clv_snapshots.
        cells: of clv_cells.
        fits: of `fit_table`.
        choices: segment, fitted_on and model, one row per segment that has a model.
        backtests: of `backtest_table`.
        annual_discount_rate: 0.1 makes an order in a year worth 1 / 1.1 of one now.

    Returns:
        Columns SCORES. A customer's value in the horizon is between low_factor and high_factor times its expectation
        with a probability of 95 %.
    """
    fits, backtests = map(dated, (fits, backtests))
    day, horizon_days = current_snapshot(snapshots)
    past = {key: cast(list[Row], own.to_dict("records")) for key, own in backtests.groupby(list(KEY))}
    fits = fits[fits["snapshot_date"] == day]
    spend = stored_fit(fits, day, ALL, "gamma_gamma")
    own_cells = dict(populations(cells))
    scored = []
    for choice in choices.sort_values("segment").itertuples():
        known = distinct_histories(own_cells[str(choice.segment)])
        chosen = stored_fit(fits, day, str(choice.fitted_on), str(choice.model))
        if chosen is None:
            continue
        scores = score(chosen, known, float(horizon_days), annual_discount_rate)
        if spend:
            judged = [(name, choice.fitted_on, choice.model) for name in (choice.segment, ALL)]
            common_sd = own_variation(next((past[key] for key in judged if key in past), []), day)
            factors = value_interval_factors(spend, scores, known["frequency"].to_numpy(np.float64), common_sd)
            scores["low_factor"], scores["high_factor"] = factors
        scored.append(known[KEYS].join(scores).assign(segment=choice.segment, model=choice.model))
    return typed(pd.concat(scored) if scored else [], SCORES)


def contract_score_table(
    contract_cells: pd.DataFrame, fits: pd.DataFrame, horizon_months: int, annual_discount_rate: float
) -> pd.DataFrame:
    """Months that contracts will still be paid, by the renewals they have behind them.

    Args:
        contract_cells: of clv_contract_cells.
        fits: of `fit_table`.
        horizon_months: months looked ahead.
        annual_discount_rate: 0.1 makes a payment in a year worth 1 / 1.1 of one now.

    Returns:
        Columns CONTRACT_SCORES; low and high are the ends of the 95 % interval of one contract.
    """
    contract_cells, fits = map(dated, (contract_cells, fits))
    running = contract_cells[contract_cells["is_current"] & ~contract_cells["is_lost"]]
    if not len(running):
        return typed([], CONTRACT_SCORES)
    fitted = stored_fit(fits, running["snapshot_date"].iloc[0], ALL, "shifted_beta_geometric")
    if fitted is None:
        return typed([], CONTRACT_SCORES)
    renewals = np.unique(np.append(running["renewal_count"].to_numpy(np.int64), 0))  # 0 of those begun since
    monthly_rate = (1 + annual_discount_rate) ** (1 / 12) - 1
    # paid[i, m]: the chance that contract i pays at least m + 1 more months
    paid = np.stack([remaining_periods(fitted, renewals, months) for months in range(horizon_months + 1)], axis=1)
    paid = np.diff(paid, axis=1)
    annuity = np.concatenate([[0.0], np.cumsum((1 + monthly_rate) ** -np.arange(horizon_months))])
    return typed(
        pd.DataFrame(
            {
                "renewal_count": renewals,
                "discounted_months": remaining_periods(fitted, renewals, horizon_months, monthly_rate),
                "discounted_months_low": annuity[(paid >= 0.975).sum(axis=1)],
                "discounted_months_high": annuity[(paid > 0.025).sum(axis=1)],
            }
        ),
        CONTRACT_SCORES,
    )
