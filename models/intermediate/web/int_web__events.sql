{{ config(unique_key='event_id') }}
-- grain: one row per event_id, bots' events left out
{{ touched_by_visitor('stg_raw__web_events', key='event_id') }}
{% call touched_when('stg_raw__erased_identities') -%}
    select event_id from {{ ref('stg_raw__web_events') }}
    where visitor_id in (select identity_value from {{ changes('stg_raw__erased_identities') }})
{%- endcall %}
-- Events without a session_id are cut into sessions with all such events of their visitor.
{{ touched_together(
    'stg_raw__web_events', 'visitor_id', key='event_id', rows='session_id is null', changed='base_raw__web_events'
) }}
with

web_events as (
    select * from {{ touched('stg_raw__web_events') }}
    where is_bot is not true
),

links as (
    select * from {{ ref('int_identity__links') }}
),

erased_identities as (
    select * from {{ ref('stg_raw__erased_identities') }}
),

consenting_customers as (
    select * from {{ ref('dim_customers') }}
    where analytics_consent is not false
),

-- Only events without a session_id have to be put in order, so only those are; read by themselves, because
-- what is read twice is first held in memory, with all of its columns.
events_without_session as (
    select
        event_id,
        visitor_id,
        event_at
    from {{ touched('stg_raw__web_events') }}
    where session_id is null and is_bot is not true
),

events_after_gaps as (
    select
        event_id,
        visitor_id,
        event_at,
        case
            when event_at <= lag(event_at) over (partition by visitor_id order by event_at, event_id)
                + {{ var('session_timeout_minutes') }} * interval '1' minute
                then 0
            else 1
        end as starts_session
    from events_without_session
),

cut_events as (
    select
        event_id,
        sum(starts_session) over (
            partition by visitor_id order by event_at, event_id
            rows between unbounded preceding and current row
        ) as session_number
    from events_after_gaps
)

select
    web_events.event_id,
    md5(
        web_events.visitor_id || '|' || case
            when web_events.session_id is not null then 'id|' || web_events.session_id
            else 'cut|' || cast(cut_events.session_number as {{ dbt.type_string() }})
        end
    ) as session_key,
    web_events.visitor_id,
    web_events.customer_id,
    web_events.is_of_erased_customer,
    web_events.page_view_id,
    web_events.event_at,
    web_events.event_name,
    web_events.site,
    web_events.page_path,
    case when web_events.article_id is not null then 'support_article' else web_events.page_type end
        as page_type,
    web_events.article_id,
    web_events.referrer,
    web_events.utm_source,
    web_events.utm_medium,
    web_events.utm_campaign,
    web_events.click_id,
    -- What somebody typed who was erased, by name or by visitor, is their text.
    case
        when
            web_events.is_of_erased_customer is not true
            and (web_events.customer_id is not null or erased_identities.identity_value is null)
            then web_events.search_term
    end as search_term,
    web_events.search_result_count,
    web_events.cta_id,
    web_events.cta_position,
    web_events.vote,
    web_events.device_type,
    coalesce(web_events.country, consenting_customers.country) as country,
    coalesce(web_events.language, consenting_customers.language) as language,
    web_events.engagement_ms,
    web_events.page_load_ms,
    web_events.lcp_ms,
    web_events.inp_ms,
    web_events.cls,
    web_events.value_amount
from web_events
left join cut_events on web_events.event_id = cut_events.event_id
left join links on web_events.visitor_id = links.identity_value
left join erased_identities on web_events.visitor_id = erased_identities.identity_value
left join consenting_customers
    on coalesce(
            web_events.customer_id,
            case when web_events.is_of_erased_customer is not true then links.customer_id end
        ) = consenting_customers.customer_id
