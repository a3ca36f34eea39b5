-- grain: one row per channel and time [segment_from, segment_until) in a local hour without any change
with

channels as (
    select * from {{ ref('int_availability__channels') }}
),

spans as (
    select * from {{ ref('int_availability__agent_status_spans') }}
),

hours as (
    select * from {{ ref('int_service_time__local_hours') }}
),

open_intervals as (
    select * from {{ ref('int_service_time__open_intervals') }}
),

calendars as (
    select distinct
        calendar_id,
        schedule_scope,
        channel_scope
    from {{ ref('int_service_time__calendars') }}
),

-- Before the first status of a person nothing says whether anybody was there.
first_statuses as (
    select min(status_events.started_at) as first_status_at
    from {{ ref('stg_raw__agent_status_events') }} as status_events
    left join {{ ref('dim_agents') }} as agents on status_events.agent_id = agents.agent_id
    where agents.is_bot is not true
),

first_page_views as (
    select min(event_at) as first_page_view_at from {{ ref('stg_raw__web_events') }}
),

run as (
    select
        as_of_run.as_of,
        first_statuses.first_status_at,
        first_page_views.first_page_view_at
    from {{ ref('stg_raw__as_of') }} as as_of_run
    cross join first_statuses
    cross join first_page_views
),

-- Only these are asked for: staffing from the first status on, and chat for page views too.
scheduled_channels as (
    select
        channels.channel,
        channels.is_scheduled,
        {{ joined_calendar_id() }} as calendar_id,
        case
            when channels.channel = 'chat'
                then
                    least(
                        coalesce(run.first_status_at, run.first_page_view_at),
                        coalesce(run.first_page_view_at, run.first_status_at)
                    )
            else run.first_status_at
        end as asked_from
    from channels
    cross join run
    {{ join_calendar('calendars', 'null', 'channels.channel') }}
    where channels.is_scheduled or channels.channel = 'chat'
),

-- What begins is +1 and what ends -1; the running sums say what holds at each moment.
changes as (
    select
        scheduled_channels.channel,
        open_intervals.opens_at as changed_at,
        1 as open_delta,
        0 as staffed_delta,
        0 as available_delta
    from scheduled_channels
    inner join open_intervals
        on scheduled_channels.calendar_id = open_intervals.calendar_id
            and scheduled_channels.asked_from < open_intervals.closes_at

    union all

    select
        scheduled_channels.channel,
        open_intervals.closes_at as changed_at,
        -1 as open_delta,
        0 as staffed_delta,
        0 as available_delta
    from scheduled_channels
    inner join open_intervals
        on scheduled_channels.calendar_id = open_intervals.calendar_id
            and scheduled_channels.asked_from < open_intervals.closes_at

    union all

    select
        channel,
        span_from as changed_at,
        0 as open_delta,
        1 as staffed_delta,
        case when is_available then 1 else 0 end as available_delta
    from spans

    union all

    select
        channel,
        span_until as changed_at,
        0 as open_delta,
        -1 as staffed_delta,
        case when is_available then -1 else 0 end as available_delta
    from spans

    union all

    -- Hours cut, so that every segment lies in one of them. The hour asked from may be the autumn one of two hours.
    select
        scheduled_channels.channel,
        hours.hour_from as changed_at,
        0 as open_delta,
        0 as staffed_delta,
        0 as available_delta
    from scheduled_channels
    inner join hours on scheduled_channels.asked_from < hours.hour_from + interval '2' hour

    union all

    select
        scheduled_channels.channel,
        run.first_status_at as changed_at,
        0 as open_delta,
        0 as staffed_delta,
        0 as available_delta
    from scheduled_channels
    cross join run
    where run.first_status_at is not null
),

-- As doubles, whose running sums over a century of hours cost a fifth; counts are exact in them.
moments as (
    select
        channel,
        changed_at,
        cast(sum(open_delta) as double) as open_delta,
        cast(sum(staffed_delta) as double) as staffed_delta,
        cast(sum(available_delta) as double) as available_delta
    from changes
    group by channel, changed_at
),

segments as (
    select
        channel,
        changed_at as segment_from,
        lead(changed_at) over (partition by channel order by changed_at) as next_changed_at,
        sum(open_delta) over (
            partition by channel order by changed_at rows between unbounded preceding and current row
        ) as open_count,
        sum(staffed_delta) over (
            partition by channel order by changed_at rows between unbounded preceding and current row
        ) as staffed_count,
        sum(available_delta) over (
            partition by channel order by changed_at rows between unbounded preceding and current row
        ) as available_count
    from moments
)

select
    segments.channel,
    scheduled_channels.is_scheduled,
    cast(date_trunc('hour', {{ reporting_time('segments.segment_from') }}) as timestamp) as local_hour,
    segments.segment_from,
    segments.next_changed_at as segment_until,
    scheduled_channels.calendar_id is not null as has_schedule,
    -- Without any hours for it a channel is open round the clock.
    scheduled_channels.calendar_id is null or segments.open_count > 0 as is_open,
    segments.staffed_count > 0 as is_staffed,
    segments.available_count > 0 as is_available,
    coalesce(segments.segment_from >= run.first_status_at, false) as is_watched
from segments
inner join scheduled_channels on segments.channel is not distinct from scheduled_channels.channel
cross join run
where segments.segment_from <= run.as_of
