{{ config(unique_key='customer_id') }}
-- grain: one row per time the company reached out to a known customer
{% call touched_when('int_tickets__responses') -%}
    select customer_id from {{ ref('int_tickets__current') }}
    where ticket_id in (select ticket_id from {{ changes('int_tickets__responses') }})
{%- endcall %}
with

interactions as (
    select * from {{ touched('fct_interactions') }}
),

messages as (
    select * from {{ ref('int_tickets__responses') }}
),

-- An answer in a merged ticket still reached the customer; a test ticket reached nobody.
tickets as (
    select * from {{ touched('int_tickets__current') }}
    where is_genuine
)

select
    customer_id,
    started_at as touched_at
from interactions
-- A leg of the customer's own call goes out to an agent.
where direction = 'outbound' and customer_id is not null and not is_leg

union all

select
    tickets.customer_id,
    messages.responded_at as touched_at
from messages
inner join tickets on messages.ticket_id = tickets.ticket_id
where messages.author_type = 'agent' and tickets.customer_id is not null
