-- grain: one row per instant at which an hour of the reports begins or the company opens or closes
{%- set any_calendar = any_schedule() ~ '|' ~ any_channel() %}
with

run as (
    select
        cast(min(checked_at) as date) - 1 as first_day,
        cast(max(checked_at) as date) + 2 as last_day
    from {{ ref('stg_raw__uptime_checks') }}
),

open_intervals as (
    select * from {{ ref('int_service_time__open_intervals') }}
    where calendar_id = '{{ any_calendar }}'
),

-- Without service hours the company is open round the clock.
service as (
    select count(*) = 0 as is_always_open from {{ ref('stg_raw__service_hours') }}
),

days as (
    {{ days_between('(select first_day from run)', '(select last_day from run)') }}
),

quarter_hours as (
    {{ quarter_hours('days') }}
),

cuts as (
    select
        quarter_at as cut_at,
        cast(null as timestamp) as closes_at
    from quarter_hours
    where extract(minute from {{ reporting_time('quarter_at') }}) = 0

    union all

    select
        opens_at as cut_at,
        closes_at
    from open_intervals

    union all

    select
        closes_at as cut_at,
        closes_at
    from open_intervals
),

judged_cuts as (
    select
        cut_at,
        -- Open intervals do not overlap, so the one begun last tells whether it is open.
        coalesce(max(closes_at) over (order by cut_at) > cut_at, false) as is_open
    from cuts
)

select distinct
    judged_cuts.cut_at,
    service.is_always_open or judged_cuts.is_open as is_in_service
from judged_cuts
cross join service
