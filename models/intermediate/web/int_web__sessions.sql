-- grain: one row per session_key
with

events as (
    select * from {{ ref('int_web__events') }}
),

links as (
    select * from {{ ref('int_identity__links') }}
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
        bool_or(is_support_page) as is_support_session,
        bool_or(event_name = 'contact_click') as has_contact_click,
        bool_or(event_name = 'chat_request') as has_chat_request,
        bool_or(event_name = 'cta_click') as has_cta_click,
        bool_or(event_name = 'article_vote' and coalesce(vote = 'helpful', false)) as has_helpful_vote,
        bool_or(event_name = 'lead') as has_lead,
        bool_or(event_name = 'purchase') as has_purchase,
        count(engagement_ms) > 0 as is_engagement_recorded
    from events
    group by session_key, visitor_id
),

named_customers as (
    select
        session_key,
        customer_id,
        row_number() over (
            partition by session_key order by event_at desc, event_id desc
        ) as customer_rank
    from events
    where customer_id is not null
),

sessions_with_customer as (
    select
        sessions.*,
        coalesce(named_customers.customer_id, links.customer_id) as customer_id
    from sessions
    left join named_customers
        on sessions.session_key = named_customers.session_key and named_customers.customer_rank = 1
    left join links on sessions.visitor_id = links.identity_value
)

select
    sessions_with_customer.session_key,
    sessions_with_customer.visitor_id,
    consenting_customers.customer_id,
    coalesce(consenting_customers.customer_id, md5(sessions_with_customer.visitor_id)) as person_id,
    consenting_customers.country as customer_country,
    consenting_customers.language as customer_language,
    sessions_with_customer.started_at,
    sessions_with_customer.last_event_at,
    sessions_with_customer.is_support_session,
    sessions_with_customer.has_contact_click,
    sessions_with_customer.has_chat_request,
    sessions_with_customer.has_cta_click,
    sessions_with_customer.has_helpful_vote,
    sessions_with_customer.has_lead,
    sessions_with_customer.has_purchase,
    sessions_with_customer.is_engagement_recorded
from sessions_with_customer
left join customers as consenting_customers
    on sessions_with_customer.customer_id = consenting_customers.customer_id
    and consenting_customers.analytics_consent is not false
