-- grain: one row per ticket that counts: not spam, not excluded, not merged into another
with

tickets as (
    select * from {{ ref('int_tickets__current') }}
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
