{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket with status events
with

status_changes as (
    select * from {{ touched('int_tickets__status_changes') }}
)

select
    ticket_id,
    max(case when is_change and is_solved then event_at end) as last_solved_at,
    count(case when is_change and is_solved then 1 end)
    > count(case when is_change and not is_solved then 1 end) as is_solved,
    count(case when is_change and is_solved then 1 end) > 0 as was_ever_solved,
    count(case when is_change and not is_solved then 1 end) as reopen_count
from status_changes
group by ticket_id
