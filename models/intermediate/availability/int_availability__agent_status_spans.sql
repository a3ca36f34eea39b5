-- grain: one row per human agent, channel and time [span_from, span_until) of being online or busy on it
with

status_events as (
    select * from {{ ref('stg_raw__agent_status_events') }}
),

agents as (
    select * from {{ ref('dim_agents') }}
),

channels as (
    select * from {{ ref('int_availability__channels') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

human_events as (
    select status_events.*
    from status_events
    left join agents on status_events.agent_id = agents.agent_id
    where agents.is_bot is not true
),

-- An event without a channel is one of every channel, so each channel has its own sequence.
channel_events as (
    select
        agent_id,
        channel,
        started_at,
        ended_at,
        status,
        1 as preference
    from human_events
    where channel is not null

    union all

    select
        human_events.agent_id,
        channels.channel,
        human_events.started_at,
        human_events.ended_at,
        human_events.status,
        0 as preference
    from human_events
    cross join channels
    where human_events.channel is null
),

followed_events as (
    select
        *,
        -- Of two events at one instant the one that names the channel stands.
        lead(started_at) over (
            partition by agent_id, channel order by started_at, preference
        ) as next_started_at
    from channel_events
),

spans as (
    select
        followed_events.agent_id,
        followed_events.channel,
        followed_events.status,
        followed_events.started_at as span_from,
        least(
            coalesce(followed_events.next_started_at, run.as_of),
            coalesce(followed_events.ended_at, run.as_of),
            -- A sign-off that was never recorded is not a day and a night of work.
            followed_events.started_at + interval '24' hour,
            run.as_of
        ) as span_until
    from followed_events
    cross join run
    where followed_events.status in ('online', 'busy')
)

select
    agent_id,
    channel,
    span_from,
    span_until,
    status = 'online' as is_available
from spans
where span_from < span_until
