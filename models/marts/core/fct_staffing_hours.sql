-- grain: one row per channel and local hour of scheduled time since the first agent status event
with

segments as (
    select
        segments.*,
        {{ minutes_between('segments.segment_from', 'least(segments.segment_until, run.as_of)') }}
            as segment_minutes
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
    sum(segment_minutes) as scheduled_minutes,
    sum(case when is_staffed then segment_minutes else 0 end) as staffed_minutes,
    sum(case when is_available then segment_minutes else 0 end) as available_minutes
from segments
group by channel, local_hour
