-- grain: one row per snapshot_date, the last day an estimate may know
{#- A forecast from less than a quarter, or for less than a quarter, says little. #}
{%- set shortest_days = 90 %}
{%- set backtests = 4 %}
with

days as (
    select * from {{ ref('dim_dates') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

beginnings as (
    select min(first_ordered_date) as first_date from {{ ref('clv_histories') }}
    union all
    select min(month_start) as first_date from {{ ref('fct_subscription_months') }}
),

history as (
    select min(first_date) as first_date
    from beginnings
),

-- Starts of quarters: a backtest stays what it was until its quarter is too long ago.
quarters as (
    select
        days.date_day as holdout_start_date,
        row_number() over (order by days.date_day desc) as recency_rank
    from days
    cross join run
    cross join history
    where
        days.date_day = days.quarter_start
        and days.date_day - {{ shortest_days }} >= history.first_date
        and days.date_day + {{ shortest_days }} <= run.as_of_date
),

snapshots as (
    select
        as_of_date as snapshot_date,
        cast(as_of_date + interval '{{ var('clv_horizon_months') }}' month as date) as horizon_end_date,
        true as is_current
    from run

    union all

    -- The day of as_of is not over, so the last day that can be compared is the one before.
    select
        quarters.holdout_start_date - 1 as snapshot_date,
        least(
            cast(quarters.holdout_start_date - 1 + interval '{{ var('clv_horizon_months') }}' month as date),
            run.as_of_date - 1
        ) as horizon_end_date,
        false as is_current
    from quarters
    cross join run
    where quarters.recency_rank <= {{ backtests }}
)

select
    snapshot_date,
    horizon_end_date,
    {{ days_from('snapshot_date', 'horizon_end_date') }} as horizon_days,
    least(snapshot_date + {{ shortest_days }}, horizon_end_date) as quarter_end_date,
    is_current
from snapshots
