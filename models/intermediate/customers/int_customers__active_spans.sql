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
        event_type not in ('pause', 'cancel') as is_active,
        lead(event_at) over (partition by subscription_id order by event_at, event_id) as next_event_at
    from subscription_events
    where customer_id is not null
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
    where is_active
),

flagged_spans as (
    select
        *,
        case
            when active_from <= max(active_until)
                    over (
                        partition by customer_id order by active_from, active_until
                        rows between unbounded preceding and 1 preceding
                    )
                then 0
            else 1
        end as starts_island
    from spans
    where active_from < active_until
),

numbered_spans as (
    select
        *,
        sum(starts_island) over (
            partition by customer_id order by active_from, active_until
            rows between unbounded preceding and current row
        ) as island
    from flagged_spans
)

select
    customer_id,
    min(active_from) as active_from,
    max(active_until) as active_until
from numbered_spans
group by customer_id, island
