-- grain: one row per channel and local hour of scheduled time since the first agent status event
with

segments as (
    select
        segments.*,
        {{ microseconds('least(segments.segment_until, run.as_of)') }}
        - {{ microseconds('segments.segment_from') }} as segment_microseconds
    from {{ ref('int_availability__segments') }} as segments
    cross join {{ ref('stg_raw__as_of') }} as run
    where
        segments.is_scheduled
        and segments.is_watched
        and segments.is_open
        and segments.segment_from < run.as_of
)

select
    channel,
    local_hour,
    cast(local_hour as date) as staffed_date,
    cast(extract(hour from local_hour) as bigint) as hour_of_day,
    cast({{ iso_weekday('cast(local_hour as date)') }} as bigint) as day_of_week,
    -- Whole microseconds add up to the same bits in any order.
    sum(segment_microseconds) / 6e7 as scheduled_minutes,
    sum(case when is_staffed then segment_microseconds else 0 end) / 6e7 as staffed_minutes,
    sum(case when is_available then segment_microseconds else 0 end) / 6e7 as available_minutes
from segments
group by channel, local_hour
