-- grain: one row per date_day, from the year before the data to the year after as_of: fiscal years are whole, too
with

run as (
    select
        cast(
            date_trunc('year', greatest(coalesce(first_event_date, as_of_date), cast('1900-01-01' as date)))
            - interval '1' year as date
        ) as first_day,
        cast(date_trunc('year', as_of_date) + interval '2' year as date) - 1 as last_day
    from {{ ref('stg_raw__as_of') }}
),

days as (
    {{ days_between('(select first_day from run)', '(select last_day from run)') }}
)

select
    date_day,
    {{ period_start('date_day', 'week') }} as week_start,
    {{ period_start('date_day', 'month') }} as month_start,
    {{ period_start('date_day', 'quarter') }} as quarter_start,
    {{ period_start('date_day', 'year') }} as year_start,
    cast({{ iso_weekday('date_day') }} as bigint) as day_of_week,
    {{ iso_weekday('date_day') }} >= 6 as is_weekend
from days
