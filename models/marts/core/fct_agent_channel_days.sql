-- grain: one row per agent_id, channel and staffed_date on which the agent was online or busy on the channel
with

spans as (
    select * from {{ ref('int_availability__agent_day_spans') }}
),

agents as (
    select * from {{ ref('dim_agents') }}
),

-- Without any work of theirs on record nobody knows that agents had none.
recorded as (
    select * from {{ ref('int_contacts__recorded') }}
),

channel_days as (
    select
        agent_id,
        channel,
        staffed_date,
        {{ total_seconds('span_from', 'span_until') }} as staffed_seconds
    from spans
    group by agent_id, channel, staffed_date
)

select
    channel_days.agent_id,
    channel_days.channel,
    agents.team,
    agents.department,
    channel_days.staffed_date,
    channel_days.staffed_seconds,
    channel_days.staffed_seconds / 3600 as staffed_hours,

    -- KPI parts: null keeps a row out of the KPI
    case when recorded.is_work_time_recorded then channel_days.staffed_seconds end as occupancy_base_seconds,
    case when recorded.is_work_recorded then channel_days.staffed_seconds / 3600 end as contact_base_hours
from channel_days
cross join recorded
left join agents on channel_days.agent_id = agents.agent_id
