{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket with a response
with

tickets as (
    select * from {{ touched('int_tickets__valid') }}
),

messages as (
    select * from {{ touched('int_tickets__responses') }}
),

interactions as (
    select * from {{ touched('fct_interactions') }}
),

responses as (
    select
        tickets.ticket_id,
        messages.responded_at
    from messages
    inner join tickets on messages.ticket_id = tickets.ticket_id

    union all

    select
        tickets.ticket_id,
        interactions.answered_at as responded_at
    from interactions
    inner join tickets on interactions.ticket_id = tickets.ticket_id
    where interactions.is_answered_by_agent and interactions.direction in ('inbound', 'outbound')
)

select
    ticket_id,
    min(responded_at) as first_responded_at
from responses
group by ticket_id
