{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket and time in which one schedule applies to it
with

tickets as (
    select * from {{ touched('int_tickets__valid') }}
),

schedule_events as (
    select
        ticket_events.ticket_id,
        ticket_events.event_id,
        ticket_events.event_at,
        ticket_events.old_value,
        ticket_events.new_value,
        row_number() over (
            partition by ticket_events.ticket_id order by ticket_events.event_at, ticket_events.event_id
        ) as event_number
    from {{ touched('stg_raw__ticket_events') }} as ticket_events
    where lower(trim(ticket_events.field_name)) = 'schedule'
),

changes as (
    -- Before its first change a ticket has the schedule it was changed from.
    select
        tickets.ticket_id,
        '' as event_id,
        tickets.created_at as applies_from,
        coalesce(first_events.old_value, tickets.schedule_id) as schedule_id,
        tickets.channel
    from tickets
    left join schedule_events as first_events
        on tickets.ticket_id = first_events.ticket_id and first_events.event_number = 1

    union all

    select
        tickets.ticket_id,
        schedule_events.event_id,
        -- A schedule set before the ticket was created applies from its creation.
        greatest(schedule_events.event_at, tickets.created_at) as applies_from,
        schedule_events.new_value as schedule_id,
        tickets.channel
    from tickets
    inner join schedule_events on tickets.ticket_id = schedule_events.ticket_id
)

select
    ticket_id,
    schedule_id,
    channel,
    applies_from,
    lead(applies_from) over (partition by ticket_id order by applies_from, event_id) as applies_until
from changes
