{{ config(unique_key='cart_id') }}
-- grain: one row per cart_id
{% call touched_when('stg_raw__as_of') -%}
    select cart_id from {{ this }}
    where
        last_event_at + {{ var('cart_abandoned_after_hours') }} * interval '1' hour
        > (select min(as_of) from {{ changes('stg_raw__as_of') }})
{%- endcall %}
with

cart_events as (
    select * from {{ touched('stg_raw__cart_events') }}
),

orders as (
    select * from {{ touched('fct_orders') }}
    where is_order and cart_id is not null
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

steps as (
    select
        cart_id,
        event_at,
        event_id,
        event_type,
        checkout_step
    from cart_events

    union all

    -- An order of the cart is its purchase, whether or not the page said so.
    select
        cart_id,
        ordered_at as event_at,
        cast(null as {{ dbt.type_string() }}) as event_id,
        'purchase' as event_type,
        cast(null as {{ dbt.type_string() }}) as checkout_step
    from orders
    where exists (
            select 1 from cart_events
            where cart_events.cart_id = orders.cart_id
        )
),

ordered_steps as (
    select
        cart_id,
        event_at,
        event_id,
        event_type,
        checkout_step,
        -- At one instant the purchase comes last: nobody buys before the cart is filled.
        max(case when event_type <> 'purchase' then event_at end) over (
            partition by cart_id order by event_at, event_type = 'purchase', event_id nulls last
            rows between unbounded preceding and 1 preceding
        ) as waits_since,
        row_number() over (
            partition by cart_id, event_id is null, checkout_step is null
            order by event_at desc, event_id desc nulls last
        ) as last_rank
    from steps
),

carts as (
    select
        cart_id,
        max(case when event_type <> 'purchase' then event_at end) as last_event_at,
        bool_or(
            event_type = 'purchase'
            and coalesce(
                event_at <= waits_since + {{ var('cart_abandoned_after_hours') }} * interval '1' hour, false
            )
        ) as is_bought,
        coalesce(
            max(case when last_rank = 1 then checkout_step end),
            max(case when last_rank = 1 and event_id is not null then event_type end)
        ) as last_step
    from ordered_steps
    group by cart_id
)

select
    carts.cart_id,
    carts.last_event_at,
    case
        when carts.is_bought then false
        when carts.last_event_at + {{ var('cart_abandoned_after_hours') }} * interval '1' hour <= run.as_of
            then true
    end as is_abandoned,
    carts.last_step
from carts
cross join run
