"""From cells to the warehouse's small tables: parameters, backtests and scores of every model, snapshot and segment.

The customers themselves stay in the database: it counts who ordered alike into cells, and joins the scores back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from outside_in.clv.contracts import fit_shifted_beta_geometric, remaining_periods
from outside_in.clv.estimation import Fit, NotEnoughData
from outside_in.clv.histories import KEYS
from outside_in.clv.spend import expected_order_value, fit_gamma_gamma, value_interval_factors
from outside_in.clv.transactions import (
    TRANSACTION_MODELS,
    fit,
    order_count_log_probability,
    score,
    total_orders_interval,
)
from outside_in.frames import typed

ALL = "all"  # customers of every segment
NO_PARAMETER = "(none)"

FITS = {
    "snapshot_date": "day",
    "fitted_on": "text",
    "model": "text",
    "parameter": "text",
    "estimate": "number",
    "standard_error": "number",
    "log_likelihood": "number",
    "customer_count": "whole",
    "gradient_norm": "number",
    "is_converged": "flag",
    "is_at_boundary": "flag",
    "log_covariance": "text",
    "note": "text",
}
