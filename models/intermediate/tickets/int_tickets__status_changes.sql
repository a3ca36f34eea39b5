{{ config(unique_key='ticket_id') }}
-- grain: one row per change of a ticket into or out of a solved state
with

ticket_events as (
    select * from {{ touched('stg_raw__ticket_events') }}
),

tickets as (
    select * from {{ touched('int_tickets__valid') }}
),

status_events as (
    select
        ticket_events.ticket_id,
        ticket_events.event_id,
        ticket_events.event_at,
        lower(trim(ticket_events.new_value)) in {{ solved_statuses() }} as is_solved
    from ticket_events
    inner join tickets on ticket_events.ticket_id = tickets.ticket_id
    where
        lower(trim(ticket_events.field_name)) = 'status'
        and lower(trim(ticket_events.new_value)) in {{ known_statuses() }}
),

followed_events as (
    select
        *,
        -- A ticket is open before its first status event.
        coalesce(lag(is_solved) over (
            partition by ticket_id order by event_at, event_id
        ), false) as was_solved
    from status_events
)

select
    ticket_id,
    event_id,
    event_at,
    is_solved,
    was_solved,
    is_solved <> was_solved as is_change
from followed_events
