{{ config(unique_key='event_id') }}
-- grain: one row per event_id of a click on, or an impression of, an advertisement
{% call touched_when('int_identity__links') -%}
    select event_id from {{ ref('stg_raw__ad_events') }}
    where visitor_id in (select identity_value from {{ changes('int_identity__links') }})
{%- endcall %}
{% call touched_when('stg_raw__erased_identities') -%}
    select event_id from {{ ref('stg_raw__ad_events') }}
    where visitor_id in (select identity_value from {{ changes('stg_raw__erased_identities') }})
{%- endcall %}
{% call touched_when('dim_customers') -%}
    select event_id from {{ ref('stg_raw__ad_events') }}
    where
        customer_id in (select customer_id from {{ changes('dim_customers') }})
        or visitor_id in (
            select identity_value from {{ ref('int_identity__links') }}
            where customer_id in (select customer_id from {{ changes('dim_customers') }})
        )
{%- endcall %}
with

ad_events as (
    select * from {{ touched('stg_raw__ad_events') }}
),

links as (
    select * from {{ ref('int_identity__links') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

erased_identities as (
    select * from {{ ref('stg_raw__erased_identities') }}
),

own_events as (
    select
        event_id,
        campaign_id,
        event_at,
        {{ is_ad_click('event_type') }} as is_click,
        click_id,
        visitor_id,
        customer_id,
        is_of_erased_customer,
        placement,
        creative_id,
        cost_amount,
        currency
    from ad_events
    where {{ is_ad_click('event_type') }} or {{ is_ad_impression('event_type', 'is_viewable') }}
)

select
    own_events.event_id,
    own_events.campaign_id,
    own_events.event_at,
    own_events.is_click,
    own_events.click_id,
    case when erased_identities.identity_value is null then own_events.visitor_id end as visitor_id,
    case when customers.analytics_consent is not false then
            coalesce(own_events.customer_id, links.customer_id)
    end as customer_id,
    -- The session that a click leads to must not make somebody else of who refused, or was erased.
    own_events.is_of_erased_customer is true
    or (own_events.customer_id is not null and customers.analytics_consent is false) as is_refused,
    own_events.placement,
    own_events.creative_id,
    own_events.cost_amount,
    own_events.currency
from own_events
left join links on own_events.visitor_id = links.identity_value
left join erased_identities on own_events.visitor_id = erased_identities.identity_value
left join customers on coalesce(own_events.customer_id, links.customer_id) = customers.customer_id
