{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket that counts: not spam, not excluded, not merged into another
{% call touched_when('dim_agents') -%}
    select ticket_id from {{ this }}
    where assignee_id in (select agent_id from {{ changes('dim_agents') }})
{%- endcall %}
with

tickets as (
    select * from {{ touched('int_tickets__current') }}
    where is_valid
),

agents as (
    select * from {{ ref('dim_agents') }}
)

select
    tickets.ticket_id,
    tickets.requester_id,
    tickets.customer_id,
    tickets.created_at,
    tickets.channel,
    tickets.case_type,
    tickets.topic,
    tickets.subtopic,
    tickets.product_id,
    tickets.order_id,
    tickets.brand,
    tickets.language,
    tickets.priority,
    tickets.status,
    tickets.assignee_id,
    coalesce(tickets.team, agents.team) as team,
    tickets.schedule_id,
    tickets.solved_at,
    tickets.closed_at
from tickets
left join agents on tickets.assignee_id = agents.agent_id
