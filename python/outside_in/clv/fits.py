"""The fits of every model, snapshot and segment as a table of the warehouse: estimated, written and read again.

The customers themselves stay in the database: it counts who ordered alike into cells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd

from outside_in.clv.contracts import fit_shifted_beta_geometric
from outside_in.clv.estimation import Fit, NotEnoughData
from outside_in.clv.histories import KEYS
from outside_in.clv.spend import PARAMETERS as SPEND_PARAMETERS
from outside_in.clv.spend import fit_gamma_gamma
from outside_in.clv.transactions import MODELS, TRANSACTION_MODELS, bootstrap, fit
from outside_in.frames import typed

ALL = "(all)"  # customers of every segment
NO_PARAMETER = "(none)"
BOOTSTRAP_REPLICATES = 30
BOOTSTRAP_SEED = 0

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
PARAMETERS = {
    **{name: model.parameters for name, model in MODELS.items()},
    "gamma_gamma": SPEND_PARAMETERS,
    "shifted_beta_geometric": ("alpha", "beta"),
}
Row = dict[str, Any]


def fit_table(
    snapshots: pd.DataFrame,
    cells: pd.DataFrame,
    past_cells: pd.DataFrame,
    spend_cells: pd.DataFrame,
    contract_cells: pd.DataFrame,
) -> pd.DataFrame:
    """Fit every model to what each snapshot could know.

    Args:
        snapshots: of clv_snapshots.
        cells: segment, frequency, recency_days, age_days and fitted_customer_count, as of now.
        past_cells: snapshot_date, segment, frequency, recency_days, age_days and customer_count.
        spend_cells: snapshot_date, frequency, mean_order_value and customer_count.
        contract_cells: snapshot_date, renewal_count, is_lost and contract_count.

    Returns:
        Columns FITS. Transaction models are fitted on the customers of all segments and of each; a model that cannot be
        fitted on all of them has one row without an estimate whose note says what it needs. Those of all customers as
        of now, which are shown, have intervals and standard errors of a bootstrap as well.
    """
    snapshots, past_cells, spend_cells, contract_cells = map(
        dated, (snapshots, past_cells, spend_cells, contract_cells)
    )
    rows: list[Row] = []
    today, _ = current_snapshot(snapshots)
    fitted = cells[cells["fitted_customer_count"] > 0]
    for day in sorted(snapshots["snapshot_date"]):
        is_past = day != today
        for name, known in populations(past_cells[past_cells["snapshot_date"] == day] if is_past else fitted):
            distinct = distinct_histories(known, "customer_count" if is_past else "fitted_customer_count")
            is_shown = name == ALL and not is_past
            for model in TRANSACTION_MODELS:
                again = distinct if is_shown else None
                rows += _fit_rows(day, name, model, partial(fit, model, distinct, is_shown), again)
        spend = spend_cells[spend_cells["snapshot_date"] == day]
        rows += _fit_rows(day, ALL, "gamma_gamma", partial(fit_gamma_gamma, spend, not is_past))
        contracts = _contract_periods(contract_cells[contract_cells["snapshot_date"] == day])
        rows += _fit_rows(
            day, ALL, "shifted_beta_geometric", partial(fit_shifted_beta_geometric, contracts, not is_past)
        )
    return typed(rows, FITS)


def stored_fits(fits: pd.DataFrame) -> Iterator[tuple[Any, str, str, Fit]]:
    """Every fit of the table with its snapshot, population and model."""
    estimated = fits[fits["estimate"].notna()]
    for key, rows in estimated.groupby(["snapshot_date", "fitted_on", "model"], sort=True):
        day, population, model = cast(tuple[Any, str, str], key)
        yield day, population, model, _fit_of(rows)


def stored_fit(fits: pd.DataFrame, day: Any, population: str, model: str) -> Fit | None:
    """One fit of the table; None where it could not be fitted."""
    rows = fits[(fits["snapshot_date"] == day) & (fits["fitted_on"] == population) & (fits["model"] == model)]
    rows = rows[rows["estimate"].notna()]
    return _fit_of(rows) if len(rows) else None


def current_snapshot(snapshots: pd.DataFrame) -> tuple[pd.Timestamp, int]:
    """The day that is now, and the days from it to the end of the horizon, of clv_snapshots."""
    now = snapshots[snapshots["is_current"].astype(bool)].iloc[0]
    return pd.Timestamp(now["snapshot_date"]), int(now["horizon_days"])


def dated(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with days that compare, however its engine writes them."""
    copied = frame.copy(deep=False)
    copied["snapshot_date"] = pd.to_datetime(frame["snapshot_date"])
    return copied


def populations(cells: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Everybody, and the customers of each segment; of one that bears everybody's name, everybody stands for them."""
    yield ALL, cells
    for segment, own in cells.groupby("segment", sort=True):
        if segment != ALL:
            yield str(segment), own


def distinct_histories(cells: pd.DataFrame, count: str = "customer_count") -> pd.DataFrame:
    """One row per history (`KEYS`), whatever else the cells are split by; customer_count is the sum of `count`."""
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
