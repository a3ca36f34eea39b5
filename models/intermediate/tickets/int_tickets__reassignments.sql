{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket with a team or assignee event
with

ticket_events as (
    select * from {{ touched('stg_raw__ticket_events') }}
),

-- The old value counts too: a first change from A to B has had two.
holders as (
    select
        ticket_id,
        lower(trim(field_name)) as field_name,
        old_value as holder
    from ticket_events

    union

    select
        ticket_id,
        lower(trim(field_name)) as field_name,
        new_value as holder
    from ticket_events
),

holder_counts as (
    select
        ticket_id,
        count(distinct case when field_name = 'team' then holder end) as team_count,
        count(distinct case when field_name = 'assignee' then holder end) as assignee_count
    from holders
    -- Null is unassigned, which is nobody else.
    where field_name in ('team', 'assignee') and holder is not null
    group by ticket_id
)

select
    ticket_id,
    team_count > 1 or assignee_count > 1 as is_reassigned
from holder_counts
