-- grain: one row per cart_id and event_type, the first event of that type
with

cart_events as (
    select * from {{ ref('stg_raw__cart_events') }}
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
    coalesce(ranked_events.customer_id, links.customer_id) as customer_id,
    ranked_events.channel,
    ranked_events.device_type,
    coalesce(ranked_events.country, customers.country) as country
from ranked_events
left join links on ranked_events.visitor_id = links.identity_value
left join customers on coalesce(ranked_events.customer_id, links.customer_id) = customers.customer_id
where ranked_events.event_rank = 1
