-- grain: one row per agent_id and staffed_date on which the agent was online or busy
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

-- A second on two channels is one second of the agent: only what no earlier span has covered is new.
covered_spans as (
    select
        *,
        max(span_until) over (
            partition by agent_id, staffed_date order by span_from, span_until, channel nulls first
            rows between unbounded preceding and 1 preceding
        ) as covered_until
    from spans
),

new_spans as (
    select
        agent_id,
        staffed_date,
        greatest(span_from, coalesce(covered_until, span_from)) as span_from,
        span_until
    from covered_spans
    where covered_until is null or span_until > covered_until
),

agent_days as (
    select
        agent_id,
        staffed_date,
        {{ total_seconds('span_from', 'span_until') }} as staffed_seconds
    from new_spans
    group by agent_id, staffed_date
)

select
    agent_days.agent_id,
    agents.team,
    agents.department,
    agent_days.staffed_date,
    agent_days.staffed_seconds,
    agent_days.staffed_seconds / 3600 as staffed_hours,

    -- KPI parts: null keeps a row out of the KPI
    case when recorded.is_work_time_recorded then agent_days.staffed_seconds end as occupancy_base_seconds,
    case when recorded.is_work_recorded then agent_days.staffed_seconds / 3600 end as contact_base_hours
from agent_days
cross join recorded
left join agents on agent_days.agent_id = agents.agent_id
