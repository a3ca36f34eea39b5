-- grain: one row per calendar and uninterrupted open interval [opens_at, closes_at), in UTC
with

calendars as (
    select * from {{ ref('int_service_time__calendars') }}
),

holidays as (
    select * from {{ ref('stg_raw__service_holidays') }}
),

-- Two days of margin: a local day may begin before or end after the day of the reports.
run as (
    select
        beginning.first_asked_date - 2 as first_day,
        as_of_run.as_of_date + 2 as last_day
    from {{ ref('stg_raw__as_of') }} as as_of_run
    cross join {{ ref('int_service_time__beginning') }} as beginning
),

days as (
    {{ days_between('(select first_day from run)', '(select last_day from run)') }}
),

-- Rows are in several calendars; clocks are asked once for each.
opening_times as (
    select distinct
        service_hours_row,
        schedule_id,
        timezone,
        weekday,
        valid_from,
        valid_to,
        try_cast(split_part(opens_at, ':', 1) as int) * 60
        + coalesce(try_cast(split_part(opens_at, ':', 2) as int), 0) as opens_minute,
        try_cast(split_part(closes_at, ':', 1) as int) * 60
        + coalesce(try_cast(split_part(closes_at, ':', 2) as int), 0) as closes_minute
    from calendars
),

local_intervals as (
    select
        opening_times.service_hours_row,
        opening_times.timezone,
        cast(days.date_day as timestamp) + opening_times.opens_minute * interval '1' minute as opens_at,
        cast(days.date_day as timestamp)
        + (
            opening_times.closes_minute
            + case when opening_times.closes_minute <= opening_times.opens_minute then 1440 else 0 end
        ) * interval '1' minute as closes_at
    from opening_times
    inner join days
        on opening_times.weekday = {{ iso_weekday('days.date_day') }}
            and days.date_day >= coalesce(opening_times.valid_from, days.date_day)
            and days.date_day <= coalesce(opening_times.valid_to, days.date_day)
    left join holidays
        on opening_times.schedule_id = holidays.schedule_id
            and days.date_day = holidays.holiday_date
    where
        holidays.schedule_id is null
        and opening_times.opens_minute is not null
        and opening_times.closes_minute is not null
),

row_intervals as (
    select
        service_hours_row,
        {{ instant('opens_at', 'timezone') }} as opens_at,
        {{ instant('closes_at', 'timezone') }} as closes_at
    from local_intervals
),

intervals as (
    select
        calendars.calendar_id,
        row_intervals.opens_at,
        row_intervals.closes_at
    from row_intervals
    inner join calendars on row_intervals.service_hours_row = calendars.service_hours_row
),

-- Merged, so that no second counts twice.
open_intervals as (
    {{ merged_spans('intervals', 'calendar_id', 'opens_at', 'closes_at') }}
)

select
    calendar_id,
    opens_at,
    closes_at,
    cast(coalesce(sum({{ microseconds('closes_at') }} - {{ microseconds('opens_at') }}) over (
        partition by calendar_id order by opens_at
        rows between unbounded preceding and 1 preceding
    ), 0) as bigint) as open_microseconds_before
from open_intervals
