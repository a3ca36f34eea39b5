{{ config(unique_key='ticket_id') }}
-- grain: one row per status event of a ticket
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
        case
            when lower(trim(ticket_events.new_value)) in {{ known_statuses() }}
                then lower(trim(ticket_events.new_value)) in {{ solved_statuses() }}
        end as is_solved
    from ticket_events
    inner join tickets on ticket_events.ticket_id = tickets.ticket_id
    where lower(trim(ticket_events.field_name)) = 'status'
),

followed_events as (
    select
        *,
        -- A ticket is open before its first status event; between known statuses, unknown ones are passed over.
        case
            when is_solved is not null
                then coalesce(lag(is_solved) over (
                    partition by ticket_id, is_solved is null order by event_at, event_id
                ), false)
        end as was_solved
    from status_events
)

select
    ticket_id,
    event_id,
    event_at,
    is_solved,
    coalesce(is_solved <> was_solved, false) as is_change
from followed_events
