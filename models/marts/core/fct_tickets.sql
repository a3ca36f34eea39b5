{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket_id that counts: not spam, not excluded, not merged into another
{% call touched_when('dim_customers') -%}
    select ticket_id from {{ this }}
    where customer_id in (select customer_id from {{ changes('dim_customers') }})
{%- endcall %}
{% call touched_when('dim_products') -%}
    select ticket_id from {{ this }}
    where product_id in (select product_id from {{ changes('dim_products') }})
{%- endcall %}
{% call touched_when('int_knowledge__covered_topics') -%}
    select ticket_id from {{ this }}
    where topic in (select topic from {{ changes('int_knowledge__covered_topics') }})
{%- endcall %}
with

tickets as (
    select * from {{ touched('int_tickets__valid') }}
),

history as (
    select * from {{ touched('int_tickets__history') }}
),

responses as (
    select * from {{ touched('int_tickets__first_responses') }}
),

business_minutes as (
    select * from {{ touched('int_tickets__business_minutes') }}
),

reassignments as (
    select * from {{ touched('int_tickets__reassignments') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

products as (
    select * from {{ ref('dim_products') }}
),

agent_responses as (
    select
        ticket_id,
        count(*) as agent_response_count
    from {{ touched('int_tickets__responses') }}
    where author_type = 'agent'
    group by ticket_id
),

transferred_tickets as (
    select distinct ticket_id
    from {{ touched('fct_interactions') }}
    where transfer_count > 0
),

-- A suggestion is a machine's offer and no use; an unnamed link is a use.
linked_tickets as (
    select distinct ticket_id
    from {{ touched('stg_raw__ticket_articles') }}
    where coalesce(link_type, 'used') in ('used', 'created', 'attached')
),

covered_topics as (
    select * from {{ ref('int_knowledge__covered_topics') }}
),

-- Without any message nobody knows what was answered.
recorded as (
    select * from {{ ref('int_contacts__recorded') }}
),

solved_tickets as (
    select
        tickets.*,
        history.ticket_id is not null as has_status_history,
        history.was_ever_solved,
        history.reopen_count,
        -- The history decides; without one a known status does, and the times where the status is unknown.
        case
            when history.ticket_id is not null then history.is_solved
            when tickets.status in {{ known_statuses() }} then tickets.status in {{ solved_statuses() }}
            when coalesce(tickets.solved_at, tickets.closed_at) is not null then true
        end as is_solved,
        case
            when history.ticket_id is not null then history.last_solved_at
            else coalesce(tickets.solved_at, tickets.closed_at)
        end as recorded_solved_at,
        coalesce(agent_responses.agent_response_count, 0) as agent_response_count,
        coalesce(reassignments.is_reassigned, false) as is_reassigned,
        case when tickets.topic is not null then covered_topics.topic is not null end as is_topic_covered
    from tickets
    left join agent_responses on tickets.ticket_id = agent_responses.ticket_id
    left join reassignments on tickets.ticket_id = reassignments.ticket_id
    left join covered_topics
        on tickets.topic = covered_topics.topic
            and tickets.created_at >= covered_topics.covered_from
            and tickets.created_at < covered_topics.covered_until
    left join history on tickets.ticket_id = history.ticket_id
)

select
    solved_tickets.ticket_id,
    solved_tickets.customer_id,
    solved_tickets.requester_id,
    solved_tickets.channel,
    solved_tickets.case_type,
    solved_tickets.topic,
    solved_tickets.subtopic,
    solved_tickets.product_id,
    solved_tickets.order_id,
    coalesce(solved_tickets.brand, products.brand) as brand,
    coalesce(solved_tickets.language, customers.language) as language,
    customers.country,
    customers.segment,
    solved_tickets.priority,
    solved_tickets.status,
    solved_tickets.assignee_id,
    solved_tickets.team,
    solved_tickets.created_at,
    {{ reporting_date('solved_tickets.created_at') }} as created_date,
    solved_tickets.has_status_history,
    solved_tickets.is_solved,
    case when solved_tickets.is_solved then solved_tickets.recorded_solved_at end as last_solved_at,
    {{ reporting_date('case when solved_tickets.is_solved then solved_tickets.recorded_solved_at end') }}
        as solved_date,
    solved_tickets.agent_response_count,
    solved_tickets.is_topic_covered,
    case when recorded.is_answering_recorded then responses.first_responded_at end as first_responded_at,
    case when recorded.is_answering_recorded then responses.ticket_id is null end as is_unanswered,
    case when recorded.is_answering_recorded then
            business_minutes.first_response_business_minutes
    end as first_response_business_minutes,
    case when solved_tickets.is_solved then
            {{ hours_between('solved_tickets.created_at', 'solved_tickets.recorded_solved_at') }}
    end as resolution_hours,
    -- Solved as far as the columns say, and nothing seen of it being opened again, where there is no history.
    case
        when coalesce(solved_tickets.was_ever_solved, solved_tickets.is_solved)
            then coalesce(solved_tickets.reopen_count, 0) > 0
    end as is_reopened,
    solved_tickets.is_reassigned,
    case when solved_tickets.is_solved then solved_tickets.agent_response_count = 1 end as is_one_touch,
    case
        when solved_tickets.is_solved
            then solved_tickets.agent_response_count = 1
                and not solved_tickets.is_reassigned
                and transferred_tickets.ticket_id is null
                and coalesce(solved_tickets.is_topic_covered, false)
    end as is_self_serviceable,
    case when solved_tickets.case_type <> 'unknown' then solved_tickets.case_type = 'complaint' end
        as is_complaint,
    case when solved_tickets.is_solved then linked_tickets.ticket_id is not null end as is_article_linked
from solved_tickets
cross join recorded
left join responses on solved_tickets.ticket_id = responses.ticket_id
left join business_minutes on solved_tickets.ticket_id = business_minutes.ticket_id
left join transferred_tickets on solved_tickets.ticket_id = transferred_tickets.ticket_id
left join linked_tickets on solved_tickets.ticket_id = linked_tickets.ticket_id
left join customers on solved_tickets.customer_id = customers.customer_id
left join products on solved_tickets.product_id = products.product_id
