-- grain: one row per hour of the reports' clock
with

-- A day of margin: a local day may begin before or end after the same day in UTC.
run as (
    select
        beginning.first_asked_date - 1 as first_day,
        as_of_run.as_of_date + 1 as last_day
    from {{ ref('stg_raw__as_of') }} as as_of_run
    cross join {{ ref('int_service_time__beginning') }} as beginning
),

days as (
    {{ days_between('(select first_day from run)', '(select last_day from run)') }}
),

-- Some clocks are 30 or 45 minutes off UTC, so an hour may begin at any quarter.
quarter_hours as (
    {{ quarter_hours('days') }}
)

-- The hour that an autumn night has twice is one of two hours' length.
select
    cast(date_trunc('hour', {{ reporting_time('quarter_at') }}) as timestamp) as local_hour,
    min(quarter_at) as hour_from
from quarter_hours
group by 1
