{{ config(unique_key='cart_id') }}
-- grain: one row per cart_id into which something was put
with

first_events as (
    select * from {{ touched('int_carts__first_events') }}
    where event_type = 'add'
),

outcomes as (
    select * from {{ touched('int_carts__outcomes') }}
)

select
    first_events.cart_id,
    first_events.customer_id,
    first_events.event_at as added_at,
    {{ reporting_date('first_events.event_at') }} as added_date,
    first_events.channel,
    first_events.device_type,
    first_events.country,
    outcomes.last_step,
    outcomes.last_event_at,

    -- KPI flag: null keeps a row out of the KPI
    outcomes.is_abandoned
from first_events
inner join outcomes on first_events.cart_id = outcomes.cart_id
