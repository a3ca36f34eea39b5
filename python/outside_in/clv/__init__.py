"""Customer lifetime value in closed form: transaction models, spend, contracts, and intervals that hold the actual.

Everything works on cells, one row per distinct history and the number of customers that share it, so ten million
customers are some hundred thousand rows. Functions are pure: the same rows give the same bits, in any order.
"""

from outside_in.clv.contracts import fit_shifted_beta_geometric, remaining_periods, survival, total_lost_periods
from outside_in.clv.estimation import Fit, NotEnoughData
from outside_in.clv.forecasts import Total, common_variation
from outside_in.clv.spend import expected_order_value, fit_gamma_gamma, value_interval_factors
from outside_in.clv.transactions import (
    TRANSACTION_MODELS,
    bootstrap,
    fit,
    order_count_log_probability,
    probability_no_order,
    score,
    total_orders,
)

__all__ = [
    "TRANSACTION_MODELS",
    "Fit",
    "NotEnoughData",
    "Total",
    "bootstrap",
    "common_variation",
    "expected_order_value",
    "fit",
    "fit_gamma_gamma",
    "fit_shifted_beta_geometric",
    "order_count_log_probability",
    "probability_no_order",
    "remaining_periods",
    "score",
    "survival",
    "total_lost_periods",
    "total_orders",
    "value_interval_factors",
]
