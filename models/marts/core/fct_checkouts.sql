{{ config(unique_key='cart_id') }}
-- grain: one row per cart_id that reached the checkout
with

checkout_starts as (
    select * from {{ touched('int_carts__first_events') }}
    where event_type = 'checkout_start'
),

outcomes as (
    select * from {{ touched('int_carts__outcomes') }}
)

select
    checkout_starts.cart_id,
    checkout_starts.customer_id,
    checkout_starts.event_at as checkout_started_at,
    {{ reporting_date('checkout_starts.event_at') }} as checkout_started_date,
    checkout_starts.channel,
    checkout_starts.device_type,
    checkout_starts.country,
    outcomes.last_step,
    outcomes.last_event_at,

    -- KPI flag: null keeps a row out of the KPI
    outcomes.is_abandoned
from checkout_starts
inner join outcomes on checkout_starts.cart_id = outcomes.cart_id
