-- grain: one row per ticket and uninterrupted time [open_from, open_until) in which it was open
with

tickets as (
    select * from {{ ref('fct_tickets') }}
),

changes as (
    select * from {{ ref('int_tickets__status_changes') }}
    where is_change
),

turning_points as (
    select
        ticket_id,
        created_at as event_at,
        '' as event_id,
        true as is_opening
    from tickets
    where has_status_history

    union all

    select
        ticket_id,
        event_at,
        event_id,
        not is_solved as is_opening
    from changes
),

spans_with_history as (
    select
        ticket_id,
        event_at as open_from,
        lead(event_at) over (partition by ticket_id order by event_at, event_id) as open_until,
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
