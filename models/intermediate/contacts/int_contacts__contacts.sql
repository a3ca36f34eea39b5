{{ config(unique_key='contact_id') }}
-- grain: one row per contact: an inbound interaction that is no leg, or a ticket without any
with

interactions as (
    select * from {{ touched('fct_interactions', "'interaction:' || interaction_id") }}
),

tickets as (
    select * from {{ touched('fct_tickets', "'ticket:' || ticket_id") }}
),

tickets_with_interaction as (
    select distinct ticket_id from {{ touched('fct_interactions', "'ticket:' || ticket_id") }}
    where is_contact
)

select
    'interaction:' || interaction_id as contact_id,
    'interaction' as contact_source,
    interaction_id,
    ticket_id,
    customer_id,
    channel,
    topic,
    product_id,
    order_id,
    language,
    country,
    segment,
    agent_id,
    team,
    started_at,
    started_date,
    ended_at,
    outcome,
    handled_by,
    is_answered_by_agent
from interactions
where is_contact

union all

select
    'ticket:' || tickets.ticket_id as contact_id,
    'ticket' as contact_source,
    cast(null as {{ dbt.type_string() }}) as interaction_id,
    tickets.ticket_id,
    tickets.customer_id,
    tickets.channel,
    tickets.topic,
    tickets.product_id,
    tickets.order_id,
    tickets.language,
    tickets.country,
    tickets.segment,
    tickets.assignee_id as agent_id,
    tickets.team,
    tickets.created_at as started_at,
    tickets.created_date as started_date,
    cast(null as timestamp) as ended_at,
    cast(null as {{ dbt.type_string() }}) as outcome,
    cast(null as {{ dbt.type_string() }}) as handled_by,
    cast(null as boolean) as is_answered_by_agent
from tickets
left join tickets_with_interaction on tickets.ticket_id = tickets_with_interaction.ticket_id
where tickets_with_interaction.ticket_id is null
