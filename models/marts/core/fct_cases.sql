{{ config(unique_key='case_id') }}
-- grain: one row per case_id: a ticket, or an inbound interaction that belongs to no ticket
{% call touched_when('int_tickets__current') -%}
    select 'interaction:' || interaction_id from {{ ref('fct_interactions') }}
    where ticket_id in (select ticket_id from {{ changes('int_tickets__current') }})
{%- endcall %}
{% call touched_when('int_knowledge__covered_topics') -%}
    select case_id from {{ this }}
    where topic in (select topic from {{ changes('int_knowledge__covered_topics') }})
{%- endcall %}
{% call touched_when('stg_raw__as_of') -%}
    select case_id from {{ this }}
    where
        created_at + {{ repeat_contact_window() }}
        > (select min(as_of) from {{ changes('stg_raw__as_of') }})
        or created_at
        + {{ first_response_target('channel') }} * interval '1' minute
        > (select min(as_of) from {{ changes('stg_raw__as_of') }})
{%- endcall %}
with

tickets as (
    select * from {{ touched('fct_tickets', "'ticket:' || ticket_id") }}
),

interactions as (
    select * from {{ touched('fct_interactions', "'interaction:' || interaction_id") }}
),

-- All tickets, spam and merged ones included: an interaction of such a ticket is no case either.
landed_tickets as (
    select ticket_id from {{ ref('int_tickets__current') }}
),

covered_topics as (
    select * from {{ ref('int_knowledge__covered_topics') }}
),

later_contacts as (
    select * from {{ touched('int_contacts__later_contacts', 'source_id') }}
),

ticket_origins as (
    select * from {{ touched('int_contacts__ticket_origins', "'ticket:' || ticket_id") }}
),

reviewed_tickets as (
    select distinct ticket_id
    from {{ touched('stg_raw__quality_reviews', "'ticket:' || ticket_id") }}
),

reviewed_interactions as (
    select distinct interaction_id
    from {{ touched('stg_raw__quality_reviews', "'interaction:' || interaction_id") }}
),

-- What nobody records is unknown: when contacts are answered, that tickets are reopened or passed on.
recorded as (
    select * from {{ ref('int_contacts__recorded') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

cases as (
    select
        'ticket:' || ticket_id as case_id,
        'ticket' as case_source,
        ticket_id,
        cast(null as {{ dbt.type_string() }}) as interaction_id,
        customer_id,
        channel,
        case_type,
        topic,
        subtopic,
        product_id,
        order_id,
        brand,
        language,
        country,
        segment,
        priority,
        assignee_id as agent_id,
        team,
        created_at,
        created_date,
        is_solved,
        last_solved_at,
        is_unanswered is not null as is_answering_recorded,
        is_unanswered is false as is_answered,
        first_responded_at,
        first_response_business_minutes,
        resolution_hours,
        is_unanswered,
        is_reopened,
        is_reassigned,
        is_topic_covered,
        is_one_touch,
        is_self_serviceable,
        is_complaint,
        is_article_linked
    from tickets

    union all

    select
        'interaction:' || interactions.interaction_id as case_id,
        'interaction' as case_source,
        cast(null as {{ dbt.type_string() }}) as ticket_id,
        interactions.interaction_id,
        interactions.customer_id,
        interactions.channel,
        cast(null as {{ dbt.type_string() }}) as case_type,
        interactions.topic,
        cast(null as {{ dbt.type_string() }}) as subtopic,
        interactions.product_id,
        interactions.order_id,
        interactions.brand,
        interactions.language,
        interactions.country,
        interactions.segment,
        cast(null as {{ dbt.type_string() }}) as priority,
        interactions.agent_id,
        interactions.team,
        interactions.started_at as created_at,
        interactions.started_date as created_date,
        coalesce(interactions.outcome in ('answered', 'completed_in_ivr'), false) as is_solved,
        case when interactions.outcome in ('answered', 'completed_in_ivr') then interactions.ended_at end
            as last_solved_at,
        recorded.is_answer_time_recorded as is_answering_recorded,
        interactions.is_answered_by_agent as is_answered,
        case when interactions.is_answered_by_agent then interactions.answered_at end as first_responded_at,
        -- These KPIs are of tickets alone.
        cast(null as double) as first_response_business_minutes,
        cast(null as double) as resolution_hours,
        cast(null as boolean) as is_unanswered,
        cast(null as boolean) as is_reopened,
        cast(null as boolean) as is_reassigned,
        case when interactions.topic is not null then covered_topics.topic is not null end
            as is_topic_covered,
        cast(null as boolean) as is_one_touch,
        cast(null as boolean) as is_self_serviceable,
        cast(null as boolean) as is_complaint,
        cast(null as boolean) as is_article_linked
    from interactions
    cross join recorded
    left join landed_tickets on interactions.ticket_id = landed_tickets.ticket_id
    left join covered_topics
        on interactions.topic = covered_topics.topic
        and interactions.started_at >= covered_topics.covered_from
        and interactions.started_at < covered_topics.covered_until
    where interactions.is_contact and landed_tickets.ticket_id is null
),

targeted_cases as (
    select
        cases.*,
        run.as_of,
        recorded.is_status_change_recorded,
        recorded.is_assignment_recorded,
        -- Answered before it was created (a call that opened its ticket): nobody waited.
        case
            when cases.first_responded_at < cases.created_at then 0e0
            else {{ minutes_between('cases.created_at', 'cases.first_responded_at') }}
        end as first_response_minutes,
        {{ first_response_target('cases.channel') }} as target_minutes,
        cases.created_at + {{ repeat_contact_window() }} <= run.as_of as is_repeat_window_over,
        later_contacts.later_topic_contact_count
        - case
            -- The contact that a ticket was born from may begin just after it; it is no other contact.
            when ticket_origins.customer_id = cases.customer_id
                and (ticket_origins.topic is not distinct from cases.topic)
                and ticket_origins.started_at > cases.created_at
                and ticket_origins.started_at <= cases.created_at + {{ repeat_contact_window() }}
                then 1
            else 0
        end as other_contact_count,
        coalesce(reviewed_tickets.ticket_id, reviewed_interactions.interaction_id) is not null as is_reviewed
    from cases
    cross join run
    cross join recorded
    left join later_contacts on cases.case_id = later_contacts.source_id
    left join ticket_origins on cases.ticket_id = ticket_origins.ticket_id
    left join reviewed_tickets on cases.ticket_id = reviewed_tickets.ticket_id
    left join reviewed_interactions on cases.interaction_id = reviewed_interactions.interaction_id
)

select
    case_id,
    case_source,
    ticket_id,
    interaction_id,
    customer_id,
    channel,
    case_type,
    topic,
    subtopic,
    product_id,
    order_id,
    brand,
    language,
    country,
    segment,
    priority,
    agent_id,
    team,
    created_at,
    created_date,
    is_solved,
    last_solved_at,
    {{ reporting_date('last_solved_at') }} as solved_date,
    first_responded_at,
    case when is_answering_recorded then first_response_minutes end as first_response_minutes,
    first_response_business_minutes,
    case
        when not is_answering_recorded then null
        when first_response_minutes is not null then first_response_minutes <= target_minutes
        -- Answered, but nobody recorded when.
        when is_answered then null
        when created_at + target_minutes * interval '1' minute <= as_of then false
    end as is_first_response_within_target,
    resolution_hours,
    case when case_source = 'ticket' then is_solved end as is_ticket_solved,
    is_unanswered,
    case when is_status_change_recorded then is_reopened end as is_reopened,
    case when is_assignment_recorded then is_reassigned end as is_reassigned,
    case
        when is_solved and customer_id is not null and is_repeat_window_over
            then is_reopened is not true and other_contact_count = 0
    end as is_first_contact_resolved,
    is_one_touch,
    is_self_serviceable,
    not is_topic_covered as is_content_gap,
    is_complaint,
    is_article_linked,
    -- An answered interaction is counted with the contacts.
    case when is_solved and (case_source = 'ticket' or not is_answered) then is_reviewed end
        as is_quality_reviewed,
    -- An interaction is counted with the contacts.
    case when case_source = 'ticket' then customer_id is not null end as is_identified,
    true as is_case
from targeted_cases
