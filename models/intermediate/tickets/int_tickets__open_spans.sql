{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket and uninterrupted time [open_from, open_until) in which it was open
with

tickets as (
    select * from {{ touched('fct_tickets') }}
),

changes as (
    select * from {{ touched('int_tickets__status_changes') }}
    where is_change
),

turning_points as (
    select
        ticket_id,
        created_at as turned_at,
        cast(null as timestamp) as event_at,
        cast(null as {{ dbt.type_string() }}) as event_id,
        true as is_opening
    from tickets
    where has_status_history

    union all

    -- What happened before the creation is how the ticket began.
    select
        changes.ticket_id,
        greatest(changes.event_at, tickets.created_at) as turned_at,
        changes.event_at,
        changes.event_id,
        not changes.is_solved as is_opening
    from changes
    inner join tickets on changes.ticket_id = tickets.ticket_id
),

spans_with_history as (
    select
        ticket_id,
        turned_at as open_from,
        -- The creation, without an event, comes first.
        lead(turned_at) over (
            partition by ticket_id order by turned_at, event_at nulls first, event_id
        ) as open_until,
        is_opening
    from turning_points
),

spans as (
    select
        ticket_id,
        open_from,
        open_until
    from spans_with_history
    where is_opening

    union all

    -- Without a history the columns say when it was solved; solved at an unknown time is in no backlog.
    select
        ticket_id,
        created_at as open_from,
        last_solved_at as open_until
    from tickets
    where
        not has_status_history
        and is_solved is not null
        and (not is_solved or last_solved_at is not null)
)

select * from spans
where open_until is null or open_from < open_until
