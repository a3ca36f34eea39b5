-- grain: one row per snapshot_at: a moment at which churn is looked at, as_of and those before it with a known outcome
{%- set step_months = churn_step_months() %}
with

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

-- The latest month that began a horizon or longer ago.
latest_months as (
    select
        cast(
            date_trunc(
                'month',
                {{ reporting_date('as_of - ' ~ var('churn_horizon_days') ~ " * interval '1' day") }}
            ) as date
        ) as month_start
    from run
    where as_of is not null
),

-- Beginnings of months, counted from year 0: what was known then, and what came of it, is the same in every run.
months as (
    {%- for months_ago in range(churn_past_moments() * step_months) %}
    {{ 'union all' if not loop.first }}
    select cast(month_start - interval '{{ months_ago }}' month as date) as month_start
    from latest_months
    {%- endfor %}
),

moments as (
    select
        as_of as snapshot_at,
        {{ reporting_date('as_of') }} as snapshot_date,
        true as is_current
    from run

    union all

    select
        {{ first_instant('month_start') }} as snapshot_at,
        month_start as snapshot_date,
        false as is_current
    from months
    where (12 * year(month_start) + month(month_start) - 1) % {{ step_months }} = 0
)

select
    snapshot_at,
    snapshot_date,
    snapshot_at + {{ var('churn_horizon_days') }} * interval '1' day as horizon_ends_at,
    is_current
from moments
