-- grain: one row per ticket that counts: not spam, not excluded, not merged into another
with

tickets as (
    select * from {{ ref('stg_raw__tickets') }}
),

links as (
    select * from {{ ref('int_identity__links') }}
),

agents as (
    select * from {{ ref('dim_agents') }}
)

select
    tickets.ticket_id,
    tickets.customer_id as requester_id,
    coalesce(tickets.customer_id, links.customer_id) as customer_id,
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
left join links on tickets.contact_address = links.identity_value
left join agents on tickets.assignee_id = agents.agent_id
where
    tickets.is_spam is not true
    and tickets.is_excluded is not true
    and tickets.merged_into_ticket_id is null
