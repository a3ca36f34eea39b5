{{ config(unique_key='cart_id') }}
-- grain: one row per cart_id and event_type, the first event of that type
{{ touched_by_visitor('stg_raw__cart_events', key='cart_id') }}
with

cart_events as (
    select * from {{ touched('stg_raw__cart_events') }}
),

links as (
    select * from {{ ref('int_identity__links') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

ranked_events as (
    select
        cart_id,
        visitor_id,
        customer_id,
        event_at,
        event_type,
        channel,
        device_type,
        country,
        row_number() over (
            partition by cart_id, event_type order by event_at, event_id
        ) as event_rank
    from cart_events
)

select
    ranked_events.cart_id,
    ranked_events.event_type,
    ranked_events.event_at,
    case
        when ranked_events.customer_id is not null then ranked_events.customer_id
        when customers.analytics_consent is not false then links.customer_id
    end as customer_id,
    ranked_events.channel,
    ranked_events.device_type,
    coalesce(
        ranked_events.country,
        -- Whoever refused to be analysed is not recognised by the visitor.
        case when ranked_events.customer_id is not null or customers.analytics_consent is not false
                then customers.country
        end
    ) as country
from ranked_events
left join links on ranked_events.visitor_id = links.identity_value
left join customers on coalesce(ranked_events.customer_id, links.customer_id) = customers.customer_id
where ranked_events.event_rank = 1
