"""From cells to the warehouse's small tables: parameters, backtests and scores of every model, snapshot and segment.

The customers themselves stay in the database: it counts who ordered alike into cells, and joins the scores back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd

from outside_in.clv.contracts import fit_shifted_beta_geometric, remaining_periods, total_lost_periods
from outside_in.clv.estimation import Fit, NotEnoughData
from outside_in.clv.forecasts import Total, common_variation
from outside_in.clv.histories import KEYS
from outside_in.clv.spend import PARAMETERS as SPEND_PARAMETERS
from outside_in.clv.spend import expected_order_value, fit_gamma_gamma, value_interval_factors
from outside_in.clv.transactions import (
    MODELS,
    TRANSACTION_MODELS,
    bootstrap,
    fit,
    order_count_log_probability,
    score,
    total_orders,
)
from outside_in.frames import typed

ALL = "(all)"  # customers of every segment
NO_PARAMETER = "(none)"
BOOTSTRAP_REPLICATES = 30
BOOTSTRAP_SEED = 0
QUARTER_MONTHS = 3

FITS = {
    "snapshot_date": "day",
    "fitted_on": "text",
    "model": "text",
    "parameter": "text",
    "estimate": "number",
    "standard_error": "number",
    "estimate_low": "number",
    "estimate_high": "number",
    "bootstrap_standard_error": "number",
    "log_likelihood": "number",
    "customer_count": "whole",
    "gradient_norm": "number",
    "is_converged": "flag",
    "is_at_boundary": "flag",
    "log_covariance": "text",
    "note": "text",
}
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
SCORES = {
    "segment": "text",
    "model": "text",
    "frequency": "whole",
    "recency_days": "whole",
    "age_days": "whole",
    "probability_active": "number",
    "probability_no_order": "number",
    "expected_orders": "number",
    "orders_variance": "number",
    "discounted_orders": "number",
    "low_factor": "number",
    "high_factor": "number",
}
CONTRACT_SCORES = {
    "renewal_count": "whole",
    "expected_months": "number",
    "discounted_months": "number",
    "discounted_months_low": "number",
    "discounted_months_high": "number",
}

PARAMETERS = {
    **{name: model.parameters for name, model in MODELS.items()},
    "gamma_gamma": SPEND_PARAMETERS,
    "shifted_beta_geometric": ("alpha", "beta"),
}
Row = dict[str, Any]


def fit_table(
    snapshots: pd.DataFrame, cells: pd.DataFrame, spend_cells: pd.DataFrame, contract_cells: pd.DataFrame
) -> pd.DataFrame:
    """Fit every model to what each snapshot could know.

    Args:
        snapshots: snapshot_date and is_current.
        cells: snapshot_date, segment, frequency, recency_days, age_days and fitted_customer_count.
        spend_cells: snapshot_date, frequency, mean_order_value and customer_count.
        contract_cells: snapshot_date, renewal_count, is_lost and contract_count.

    Returns:
        Columns FITS. Transaction models are fitted on the customers of all segments and of each; a model that cannot be
        fitted on all of them has one row without an estimate whose note says what it needs. Those of all customers as
        of now, which are shown, have intervals and standard errors of a bootstrap as well.
    """
    snapshots, cells, spend_cells, contract_cells = map(_dated, (snapshots, cells, spend_cells, contract_cells))
    rows: list[Row] = []
    today = snapshots.loc[snapshots["is_current"].astype(bool), "snapshot_date"].iloc[0]
    for day in sorted(snapshots["snapshot_date"]):
        for name, known in _populations(cells[cells["snapshot_date"] == day]):
            distinct = _distinct(known[known["fitted_customer_count"] > 0], "fitted_customer_count")
            is_shown = day == today and name == ALL
            for model in TRANSACTION_MODELS:
                again = distinct if is_shown else None
                rows += _fit_rows(day, name, model, partial(fit, model, distinct, is_shown), again)
        spend = spend_cells[spend_cells["snapshot_date"] == day]
        rows += _fit_rows(day, ALL, "gamma_gamma", partial(fit_gamma_gamma, spend, day == today))
        contracts = _contract_periods(contract_cells[contract_cells["snapshot_date"] == day])
        rows += _fit_rows(
            day, ALL, "shifted_beta_geometric", partial(fit_shifted_beta_geometric, contracts, day == today)
        )
    return typed(rows, FITS)


def backtest_table(cells: pd.DataFrame, contract_cells: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    """Compare what the past snapshots forecast with what came.

    Args:
        cells: of clv_cells; what the customers did in the horizon is holdout_order_count and holdout_value_amount.
        contract_cells: of clv_contract_cells.
        fits: of `fit_table`.

    Returns:
        Columns BACKTESTS, orders and errors per customer. The naive forecast goes on at the rate of the past (orders),
        or with every contract (months).
    """
    cells, contract_cells, fits = map(_dated, (cells, contract_cells, fits))
    rows: list[Row] = []
    past, past_contracts = cells[~cells["is_current"]], contract_cells[~contract_cells["is_current"]]
    for day, name, model, fitted in _stored_fits(fits):
        if model in TRANSACTION_MODELS:
            spend = _stored_fit(fits, day, ALL, "gamma_gamma")
            known = past[past["snapshot_date"] == day]
            for segment, customers in _populations(known):
                if len(customers) and name in (ALL, segment):
                    key = {"segment": segment, "fitted_on": name, "model": model}
                    row = _backtest(fitted, spend, customers, _own_variation(rows, key, day))
                    rows.append({"snapshot_date": day, **key, **row})
        elif model == "shifted_beta_geometric":
            known = past_contracts[(past_contracts["snapshot_date"] == day) & ~past_contracts["is_lost"]]
            if len(known):
                key = {"segment": ALL, "fitted_on": ALL, "model": model}
                row = _backtest_contracts(fitted, known, day, _own_variation(rows, key, day))
                rows.append({"snapshot_date": day, **key, **row})
    return typed(rows, BACKTESTS)


def score_table(
    cells: pd.DataFrame,
    fits: pd.DataFrame,
    choices: pd.DataFrame,
    backtests: pd.DataFrame,
    annual_discount_rate: float,
) -> pd.DataFrame:
    """Score the distinct histories of today, each with the model chosen for its segment.

    Args:
        cells: of clv_cells.
        fits: of `fit_table`.
        choices: segment, fitted_on and model, one row per segment that has a model.
        backtests: of `backtest_table`.
        annual_discount_rate: 0.1 makes an order in a year worth 1 / 1.1 of one now.

    Returns:
        Columns SCORES. A customer's value in the horizon is between low_factor and high_factor times its expectation
        with a probability of 95 %.
    """
    cells, fits, backtests = map(_dated, (cells, fits, backtests))
    # Today's cells may be millions: no column is copied that nobody asks for.
    current = cells.loc[cells["is_current"], ["snapshot_date", "horizon_days", "segment", *KEYS, "customer_count"]]
    past = cast(list[Row], backtests.to_dict("records"))
    scored = []
    for choice in choices.sort_values("segment").itertuples():
        known = _distinct(current[current["segment"] == choice.segment])
        day = current["snapshot_date"].iloc[0]
        chosen = _stored_fit(fits, day, str(choice.fitted_on), str(choice.model))
        if chosen is None:
            continue
        scores = score(chosen, known, float(current["horizon_days"].iloc[0]), annual_discount_rate)
        spend = _stored_fit(fits, day, ALL, "gamma_gamma")
        if spend:
            key = {"segment": choice.segment, "fitted_on": choice.fitted_on, "model": choice.model}
            common_sd = _own_variation(past, key, day)
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
    contract_cells, fits = map(_dated, (contract_cells, fits))
    running = contract_cells[contract_cells["is_current"] & ~contract_cells["is_lost"]]
    if not len(running):
        return typed([], CONTRACT_SCORES)
    fitted = _stored_fit(fits, running["snapshot_date"].iloc[0], ALL, "shifted_beta_geometric")
    if fitted is None:
        return typed([], CONTRACT_SCORES)
    renewals = np.unique(running["renewal_count"].to_numpy(np.int64))
    monthly_rate = (1 + annual_discount_rate) ** (1 / 12) - 1
    # paid[i, m]: the chance that contract i pays at least m + 1 more months
    paid = np.stack([remaining_periods(fitted, renewals, months) for months in range(horizon_months + 1)], axis=1)
    paid = np.diff(paid, axis=1)
    annuity = np.concatenate([[0.0], np.cumsum((1 + monthly_rate) ** -np.arange(horizon_months))])
    return typed(
        pd.DataFrame(
            {
                "renewal_count": renewals,
                "expected_months": remaining_periods(fitted, renewals, horizon_months),
                "discounted_months": remaining_periods(fitted, renewals, horizon_months, monthly_rate),
                "discounted_months_low": annuity[(paid >= 0.975).sum(axis=1)],
                "discounted_months_high": annuity[(paid > 0.025).sum(axis=1)],
            }
        ),
        CONTRACT_SCORES,
    )


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with days that compare, however its engine writes them."""
    dated = frame.copy(deep=False)
    dated["snapshot_date"] = pd.to_datetime(frame["snapshot_date"])
    return dated


def _populations(cells: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Everybody, and the customers of each segment."""
    yield ALL, cells
    for segment in sorted(cells["segment"].unique()):
        yield segment, cells[cells["segment"] == segment]


def _distinct(cells: pd.DataFrame, count: str = "customer_count") -> pd.DataFrame:
    """One row per history, whatever else the cells are split by, with the sum of `count` as customer_count."""
    return cells.groupby(KEYS)[count].sum().rename("customer_count").reset_index()


def _fit_rows(
    day: Any, population: str, model: str, fitting: Callable[[], Fit], again: pd.DataFrame | None = None
) -> list[Row]:
    """A fit as rows, one per parameter; what cannot be fitted says so once, for all customers.

    Cells given to fit `again` are drawn from for the bootstrap.
    """
    where = {"snapshot_date": day, "fitted_on": population, "model": model}
    try:
        fitted = fitting()
    except NotEnoughData as error:
        return [{**where, "parameter": NO_PARAMETER, "is_converged": False, "note": str(error)}]
    errors: dict[str, float] = {}
    if again is not None and not fitted.is_at_boundary:
        errors = bootstrap(fitted, again, BOOTSTRAP_REPLICATES, BOOTSTRAP_SEED)
    rows = []
    for (parameter, estimate), covariances in zip(fitted.estimates.items(), fitted.log_covariance, strict=True):
        low, high = fitted.intervals.get(parameter, (None, None))
        rows.append(
            {
                **where,
                "parameter": parameter,
                "estimate": estimate,
                "standard_error": fitted.standard_errors[parameter],
                "estimate_low": low,
                "estimate_high": high,
                "bootstrap_standard_error": errors.get(parameter),
                "log_likelihood": fitted.log_likelihood,
                "customer_count": fitted.customer_count,
                "gradient_norm": fitted.gradient_norm,
                "is_converged": fitted.is_converged,
                "is_at_boundary": fitted.is_at_boundary,
                "log_covariance": json.dumps(covariances.tolist()),
            }
        )
    return rows


def _stored_fits(fits: pd.DataFrame) -> Iterator[tuple[Any, str, str, Fit]]:
    """Every fit of the table with its snapshot, population and model."""
    estimated = fits[fits["estimate"].notna()]
    for key, rows in estimated.groupby(["snapshot_date", "fitted_on", "model"], sort=True):
        day, population, model = cast(tuple[Any, str, str], key)
        yield day, population, model, _fit_of(rows)


def _stored_fit(fits: pd.DataFrame, day: Any, population: str, model: str) -> Fit | None:
    """One fit of the table; None where it could not be fitted."""
    rows = fits[(fits["snapshot_date"] == day) & (fits["fitted_on"] == population) & (fits["model"] == model)]
    rows = rows[rows["estimate"].notna()]
    return _fit_of(rows) if len(rows) else None


def _fit_of(rows: pd.DataFrame) -> Fit:
    order = PARAMETERS[rows["model"].iloc[0]]
    rows = rows.set_index("parameter").loc[list(order)]
    first = rows.iloc[0]
    errors, lows, highs = (
        [None if pd.isna(value) else float(value) for value in rows[column]]
        for column in ("standard_error", "estimate_low", "estimate_high")
    )
    return Fit(
        model=str(first["model"]),
        estimates=dict(zip(order, rows["estimate"].astype(float), strict=True)),
        standard_errors=dict(zip(order, errors, strict=True)),
        intervals=dict(zip(order, zip(lows, highs, strict=True), strict=True)),
        log_likelihood=float(first["log_likelihood"]),
        customer_count=int(first["customer_count"]),
        gradient_norm=float(first["gradient_norm"]),
        is_converged=bool(first["is_converged"]),
        is_at_boundary=bool(first["is_at_boundary"]),
        log_covariance=np.array([json.loads(text) for text in rows["log_covariance"]]),
    )


def _own_variation(backtests: Iterable[Row], key: Mapping[str, Any], day: Any) -> float:
    """What moves all customers at once, from the quarters of the same model and population that were over by a day."""
    known = [
        row
        for row in backtests
        if all(row[name] == value for name, value in key.items())
        and pd.notna(row["quarter_end_date"])
        and pd.Timestamp(row["quarter_end_date"]) <= pd.Timestamp(day)
    ]
    known.sort(key=lambda row: pd.Timestamp(row["quarter_end_date"]))
    return common_variation(
        [(Total(row["quarter_expected"], row["quarter_variance"]), row["quarter_actual"]) for row in known]
    )


def _backtest(fitted: Fit, spend: Fit | None, customers: pd.DataFrame, common_sd: float) -> Row:
    """One forecast of one population against its horizon."""
    # One order for the sums, however the rows arrived.
    customers = customers.sort_values([*KEYS, "valued_frequency", "holdout_order_count", "segment"])
    horizon = float(customers["horizon_days"].iloc[0])
    count = customers["customer_count"].to_numpy(np.float64)
    actual = customers["holdout_order_count"].to_numpy(np.int64)
    expected = score(fitted, customers, horizon, 0.0)["expected_orders"].to_numpy()
    rate = customers["frequency"].to_numpy() / np.maximum(customers["age_days"].to_numpy(), 1)
    distinct = _distinct(customers)
    quarter_end = pd.Timestamp(customers["quarter_end_date"].iloc[0])
    quarter_days = (quarter_end - pd.Timestamp(customers["snapshot_date"].iloc[0])).days
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


def _contract_periods(contracts: pd.DataFrame) -> pd.DataFrame:
    """Contracts at the start of each month of their life and those lost in it, as far as it is known."""
    count, renewals = (contracts[name].to_numpy(np.int64) for name in ("contract_count", "renewal_count"))
    lost = contracts["is_lost"].to_numpy(bool)
    last = renewals + lost  # the last month whose end is known
    periods = np.arange(1, int(last.max(initial=0)) + 1)
    return pd.DataFrame(
        {
            "period": periods,
            "active_count": [int(count[last >= period].sum()) for period in periods],
            "lost_count": [int(count[lost & (last == period)].sum()) for period in periods],
        }
    )


def _backtest_contracts(fitted: Fit, contracts: pd.DataFrame, day: Any, common_sd: float) -> Row:
    """Months paid in the horizon, in place of orders; what varies is how many are lost."""
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
