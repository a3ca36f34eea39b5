-- grain: one row per model and holdout_period_start
with

backtests as (
    select * from {{ ref('clv_backtests') }}
    where segment = '(all)' and fitted_on = '(all)'
),

snapshots as (
    select * from {{ ref('clv_snapshots') }}
)

select
    backtests.model,
    backtests.snapshot_date + 1 as holdout_period_start,
    snapshots.horizon_end_date as holdout_period_end,
    backtests.customer_count,
    backtests.actual_orders,
    backtests.expected_orders,
    backtests.expected_orders_low,
    backtests.expected_orders_high,
    backtests.common_variation,
    backtests.actual_revenue,
    backtests.expected_revenue,
    backtests.mean_absolute_error,
    backtests.naive_mean_absolute_error,
    backtests.holdout_log_likelihood
from backtests
inner join snapshots on backtests.snapshot_date = snapshots.snapshot_date
