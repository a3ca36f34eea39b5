-- grain: one row per customer and uninterrupted time (active_from, active_until] in which the customer is active
with

orders as (
    select * from {{ ref('fct_orders') }}
    where is_order and customer_id is not null
),

subscription_events as (
    select * from {{ ref('stg_raw__subscription_events') }}
),

followed_events as (
    select
        customer_id,
        event_at,
        {{ is_running('event_type') }} as is_active,
        lead(event_at) over (partition by subscription_id order by event_at, event_id) as next_event_at
    from subscription_events
),

-- Active at M: an order in [M - window, M), or a subscription whose last event before M is no pause or cancel.
spans as (
    select
        customer_id,
        ordered_at as active_from,
        ordered_at + {{ var('activity_window_days') }} * interval '1' day as active_until
    from orders

    union all

    select
        customer_id,
        event_at as active_from,
        coalesce(next_event_at, cast('9999-12-31' as timestamp)) as active_until
    from followed_events
    -- Only here: where a subscription passes to somebody unknown, it has left whoever had it.
    where is_active and customer_id is not null
)

{{ merged_spans('spans', 'customer_id', 'active_from', 'active_until') }}
