-- grain: one row, what the company records of its contacts at all
with

interactions as (
    select * from {{ ref('stg_raw__interactions') }}
    where is_excluded is not true
),

ticket_messages as (
    select * from {{ ref('stg_raw__ticket_messages') }}
),

ticket_events as (
    select * from {{ ref('stg_raw__ticket_events') }}
),

known_interactions as (
    select
        *,
        coalesce(direction, 'inbound') = 'inbound' as is_inbound,
        {{ derived_outcome('outcome', 'answered_at', 'enqueued_at') }} as known_outcome
    from interactions
),

-- Entering a queue says nothing of the wait where nobody records when it ended.
recorded_interactions as (
    select
        count(case when is_inbound then nullif(known_outcome, 'unknown') end) > 0 as is_outcome_recorded,
        count(case when is_inbound then answered_at end) > 0 as is_answer_time_recorded,
        count(case when agent_id is not null then talk_seconds end) > 0 as is_work_time_recorded,
        count(case when agent_id is not null then nullif(known_outcome, 'unknown') end) > 0
            as is_work_recorded,
        count(hold_seconds) > 0 as is_hold_recorded,
        count(case when is_inbound then
            {{ measured_waiting_seconds('known_outcome', 'queue_seconds', 'enqueued_at', 'answered_at',
                                        'ended_at') }}
        end) > 0 as is_waiting_recorded
    from known_interactions
),

recorded_tickets as (
    select count(*) > 0 as is_answering_recorded from ticket_messages
),

recorded_changes as (
    select
        count(case when lower(trim(field_name)) = 'status' then 1 end) > 0 as is_status_change_recorded,
        count(case when lower(trim(field_name)) in ('team', 'assignee') then 1 end) > 0 as is_assignment_recorded
    from ticket_events
)

select
    recorded_interactions.is_outcome_recorded,
    recorded_interactions.is_answer_time_recorded,
    recorded_interactions.is_work_time_recorded,
    recorded_interactions.is_work_recorded,
    recorded_interactions.is_hold_recorded,
    recorded_interactions.is_waiting_recorded,
    recorded_tickets.is_answering_recorded,
    recorded_changes.is_status_change_recorded,
    recorded_changes.is_assignment_recorded
from recorded_interactions
cross join recorded_tickets
cross join recorded_changes
