{{ config(unique_key='session_key') }}
-- grain: one row per session_key
{{ touched_by_visitor('int_web__events', key='session_key') }}
{% call touched_when('stg_raw__erased_identities') -%}
    select session_key from {{ ref('int_web__events') }}
    where visitor_id in (select identity_value from {{ changes('stg_raw__erased_identities') }})
{%- endcall %}
with

events as (
    select * from {{ touched('int_web__events') }}
),

-- Read by itself: what is read twice is first held in memory.
events_of_customers as (
    select * from {{ touched('int_web__events') }}
    where customer_id is not null or is_of_erased_customer
),

links as (
    select * from {{ ref('int_identity__links') }}
),

erased_identities as (
    select * from {{ ref('stg_raw__erased_identities') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

sessions as (
    select
        session_key,
        visitor_id,
        min(event_at) as started_at,
        max(event_at) as last_event_at,
        bool_or(coalesce(page_type in {{ support_page_types() }}, false)) as is_support_session,
        bool_or(event_name = 'contact_click') as has_contact_click,
        bool_or(event_name = 'chat_request') as has_chat_request,
        bool_or(event_name = 'cta_click') as has_cta_click,
        bool_or(event_name = 'article_vote' and coalesce(vote = 'helpful', false)) as has_helpful_vote,
        bool_or(event_name = 'lead') as has_lead,
        bool_or(event_name = 'purchase') as has_purchase,
        min(customer_id) as named_customer_id,
        -- More than one customer; those who were erased count as one.
        coalesce(min(customer_id) <> max(customer_id), false)
        or (bool_or(is_of_erased_customer is true) and min(customer_id) is not null) as has_several_customers,
        bool_or(is_of_erased_customer is true) as has_erased_customer,
        count(engagement_ms) > 0 as is_engagement_recorded
    from events
    group by session_key, visitor_id
),

-- Few sessions name more than one customer, so few events have to be put in order.
last_named_customers as (
    select
        session_key,
        customer_id,
        row_number() over (
            partition by session_key order by event_at desc, event_id desc
        ) as customer_rank
    from events_of_customers
    where session_key in (
        select session_key from sessions
        where has_several_customers
    )
),

named_sessions as (
    select
        sessions.*,
        case
            when sessions.has_several_customers then last_named_customers.customer_id
            else sessions.named_customer_id
        end as last_named_customer_id
    from sessions
    left join last_named_customers
        on sessions.session_key = last_named_customers.session_key and last_named_customers.customer_rank = 1
),

-- Sessions of an erased customer, by name or by visitor, stay sessions, and are nobody's: not the visitor's either.
known_sessions as (
    select
        named_sessions.*,
        case
            when
                erased_identities.identity_value is null
                and (named_sessions.last_named_customer_id is not null or not named_sessions.has_erased_customer)
                then named_sessions.visitor_id
        end as known_visitor_id,
        coalesce(
            named_sessions.last_named_customer_id,
            case when not named_sessions.has_erased_customer then links.customer_id end
        ) as known_customer_id
    from named_sessions
    left join links on named_sessions.visitor_id = links.identity_value
    left join erased_identities on named_sessions.visitor_id = erased_identities.identity_value
),

-- Whoever refused to be analysed stays a visitor; who was never asked did not refuse.
sessions_with_customer as (
    select
        known_sessions.*,
        case when customers.analytics_consent is not false then known_sessions.known_customer_id end
            as customer_id,
        case when customers.analytics_consent is not false then customers.country end as customer_country,
        case when customers.analytics_consent is not false then customers.language end as customer_language
    from known_sessions
    left join customers on known_sessions.known_customer_id = customers.customer_id
)

select
    session_key,
    known_visitor_id as visitor_id,
    customer_id,
    coalesce(customer_id, md5(known_visitor_id)) as person_id,
    customer_country,
    customer_language,
    started_at,
    last_event_at,
    is_support_session,
    has_contact_click,
    has_chat_request,
    has_cta_click,
    has_helpful_vote,
    has_lead,
    has_purchase,
    is_engagement_recorded
from sessions_with_customer
