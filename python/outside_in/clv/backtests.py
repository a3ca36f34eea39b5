"""Forecasts of past snapshots beside what came: a table by which models are chosen and intervals are set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from outside_in.clv.contracts import remaining_periods, total_lost_periods
from outside_in.clv.estimation import Fit
from outside_in.clv.fits import ALL, Row, dated, distinct_histories, populations, stored_fit, stored_fits
from outside_in.clv.forecasts import Total, common_variation
from outside_in.clv.histories import KEYS
from outside_in.clv.spend import expected_order_value
from outside_in.clv.transactions import (
    MINIMUM_CUSTOMERS,
    TRANSACTION_MODELS,
    order_count_log_probability,
    score,
    total_orders,
)
from outside_in.frames import typed

QUARTER_MONTHS = 3
KEY = ("segment", "fitted_on", "model")
Key = tuple[str, str, str]

BACKTESTS = {
    "snapshot_date": "day",
    "segment": "text",
    "fitted_on": "text",
    "model": "text",
    "customer_count": "whole",
    "actual_orders": "number",
    "expected_orders": "number",
    "expected_orders_low": "number",
    "expected_orders_high": "number",
    "common_variation": "number",
    "quarter_end_date": "day",
    "quarter_actual": "number",
    "quarter_expected": "number",
    "quarter_variance": "number",
    "actual_revenue": "number",
    "expected_revenue": "number",
    "mean_absolute_error": "number",
    "naive_mean_absolute_error": "number",
    "holdout_log_likelihood": "number",
}


def backtest_table(past_cells: pd.DataFrame, contract_cells: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    """Compare what the past snapshots forecast with what came.

    Args:
        past_cells: of clv_past_cells; what came in the horizon is holdout_order_count and holdout_value_amount.
        contract_cells: of clv_contract_cells.
        fits: of `fit_table`.

    Returns:
        Columns BACKTESTS, orders and errors per customer, of everybody and of each segment that is not too small to be
        judged by itself. The naive forecast goes on at the rate of the past (orders),
        or with every contract (months).
    """
    past_cells, contract_cells, fits = map(dated, (past_cells, contract_cells, fits))
    # By population and model, for each looks back at its own; segments may be as many as a company likes.
    rows: dict[Key, list[Row]] = defaultdict(list)
    known = {day: dict(_judged(cells)) for day, cells in past_cells.groupby("snapshot_date")}
    spend = {day: stored_fit(fits, day, ALL, "gamma_gamma") for day in known}
    past_contracts = contract_cells[~contract_cells["is_current"]]
    for day, name, model, fitted in stored_fits(fits):
        if model in TRANSACTION_MODELS and day in known:
            for segment in known[day] if name == ALL else [name]:
                own = rows[segment, name, model]
                own.append({"snapshot_date": day, **_backtest(fitted, spend[day], known[day][segment], own)})
        elif model == "shifted_beta_geometric":
            contracts = past_contracts[(past_contracts["snapshot_date"] == day) & ~past_contracts["is_lost"]]
            if len(contracts):
                own = rows[ALL, ALL, model]
                own.append({"snapshot_date": day, **_backtest_contracts(fitted, contracts, day, own)})
    return typed(
        [dict(zip(KEY, key, strict=True)) | row for key, own in sorted(rows.items()) for row in own], BACKTESTS
    )


def own_variation(backtests: Iterable[Row], day: Any) -> float:
    """What moves all customers at once, from the quarters of one model and population that were over by a day."""
    known = [
        row
        for row in backtests
        if pd.notna(row["quarter_end_date"]) and pd.Timestamp(row["quarter_end_date"]) <= pd.Timestamp(day)
    ]
    known.sort(key=lambda row: pd.Timestamp(row["quarter_end_date"]))
    return common_variation(
        [(Total(row["quarter_expected"], row["quarter_variance"]), row["quarter_actual"]) for row in known]
    )


def _judged(cells: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Everybody, and the customers of each segment that has as many as a fit needs: of fewer, luck would decide."""
    for name, own in populations(cells):
        if name == ALL or own["customer_count"].sum() >= MINIMUM_CUSTOMERS:
            yield name, own


def _backtest(fitted: Fit, spend: Fit | None, customers: pd.DataFrame, earlier: Iterable[Row]) -> Row:
    """One forecast of one population against its horizon, `earlier` being what was forecast before."""
    day = customers["snapshot_date"].iloc[0]
    common_sd = own_variation(earlier, day)
    # One order for the sums, however the rows arrived.
    customers = customers.sort_values([*KEYS, "valued_frequency", "holdout_order_count", "segment"])
    horizon = float(customers["horizon_days"].iloc[0])
    count = customers["customer_count"].to_numpy(np.float64)
    actual = customers["holdout_order_count"].to_numpy(np.int64)
    expected = score(fitted, customers, horizon, 0.0)["expected_orders"].to_numpy()
    rate = customers["frequency"].to_numpy() / np.maximum(customers["age_days"].to_numpy(), 1)
    distinct = distinct_histories(customers)
    quarter_end = pd.Timestamp(customers["quarter_end_date"].iloc[0])
    quarter_days = (quarter_end - pd.Timestamp(day)).days
    total, quarter = total_orders(fitted, distinct, [horizon, quarter_days])
    low, high = total.interval(common_sd)
    row: Row = {
        "customer_count": int(count.sum()),
        "actual_orders": (count * actual).sum(),
        "expected_orders": (count * expected).sum(),
        "expected_orders_low": low,
        "expected_orders_high": high,
        "common_variation": common_sd,
        "quarter_end_date": quarter_end.date(),
        "quarter_actual": float(customers["holdout_quarter_order_count"].sum()),
        "quarter_expected": quarter.mean,
        "quarter_variance": quarter.variance,
        "actual_revenue": customers["holdout_value_amount"].sum(),
        "mean_absolute_error": (count * np.abs(expected - actual)).sum() / count.sum(),
        "naive_mean_absolute_error": (count * np.abs(rate * horizon - actual)).sum() / count.sum(),
        "holdout_log_likelihood": (count * order_count_log_probability(fitted, customers, horizon, actual)).sum(),
    }
    if spend:
        # The expectation is linear in what was spent, so the mean customer of a cell stands for all of them.
        valued = customers["valued_frequency"].to_numpy(np.float64)
        mean = customers["repeat_value_amount"].to_numpy(np.float64) / count / np.maximum(valued, 1)
        row["expected_revenue"] = (count * expected * expected_order_value(spend, valued, mean)).sum()
    return row


def _backtest_contracts(fitted: Fit, contracts: pd.DataFrame, day: Any, earlier: Iterable[Row]) -> Row:
    """Months paid in the horizon, in place of orders; what varies is how many are lost."""
    common_sd = own_variation(earlier, day)
    contracts = contracts.sort_values(["renewal_count", "holdout_renewal_count", "segment"])
    months = int(contracts["holdout_month_count"].iloc[0])
    count = contracts["contract_count"].to_numpy(np.float64)
    renewals = contracts["renewal_count"].to_numpy(np.int64)
    actual = contracts["holdout_renewal_count"].to_numpy(np.float64)
    expected = remaining_periods(fitted, renewals, months)
    mrr = contracts["mrr_amount"].to_numpy(np.float64)
    all_months = float(count.sum()) * months
    fewest_lost, most_lost = total_lost_periods(fitted, renewals, count, months).interval(common_sd)
    row: Row = {
        "customer_count": int(count.sum()),
        "actual_orders": (count * actual).sum(),
        "expected_orders": (count * expected).sum(),
        "expected_orders_low": max(all_months - most_lost, 0),
        "expected_orders_high": all_months - fewest_lost,
        "common_variation": common_sd,
        "quarter_end_date": None,
        "actual_revenue": contracts["holdout_mrr_amount"].to_numpy(np.float64).sum(),
        "expected_revenue": (mrr * expected).sum(),
        "mean_absolute_error": (count * np.abs(expected - actual)).sum() / count.sum(),
        "naive_mean_absolute_error": (count * np.abs(months - actual)).sum() / count.sum(),
    }
    if months >= QUARTER_MONTHS:
        quarter = total_lost_periods(fitted, renewals, count, QUARTER_MONTHS)
        after = pd.Timestamp(day) + pd.Timedelta(days=1) + pd.DateOffset(months=QUARTER_MONTHS)
        row |= {
            "quarter_end_date": (after - pd.Timedelta(days=1)).date(),
            "quarter_actual": (count * (QUARTER_MONTHS - np.minimum(actual, QUARTER_MONTHS))).sum(),
            "quarter_expected": quarter.mean,
            "quarter_variance": quarter.variance,
        }
    return row
