-- grain: one row, what the company records of its contacts at all
with

interactions as (
    select * from {{ ref('stg_raw__interactions') }}
    where is_excluded is not true
),

ticket_messages as (
    select * from {{ ref('stg_raw__ticket_messages') }}
),

recorded_interactions as (
    select
        count(hold_seconds) > 0 as is_hold_recorded,
        count(queue_seconds) + count(enqueued_at) > 0 as is_waiting_recorded
    from interactions
),

recorded_tickets as (
    select count(*) > 0 as is_answering_recorded from ticket_messages
)

select
    recorded_interactions.is_hold_recorded,
    recorded_interactions.is_waiting_recorded,
    recorded_tickets.is_answering_recorded
from recorded_interactions
cross join recorded_tickets
