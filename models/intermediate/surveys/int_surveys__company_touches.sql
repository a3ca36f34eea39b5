-- grain: one row per time the company reached out to a known customer
with

interactions as (
    select * from {{ ref('fct_interactions') }}
),

messages as (
    select * from {{ ref('int_tickets__responses') }}
),

tickets as (
    select * from {{ ref('int_tickets__current') }}
)

select
    customer_id,
    started_at as touched_at
from interactions
where direction = 'outbound' and customer_id is not null

union all

select
    tickets.customer_id,
    messages.responded_at as touched_at
from messages
inner join tickets on messages.ticket_id = tickets.ticket_id
where messages.author_type = 'agent' and tickets.customer_id is not null
