{{ config(unique_key='customer_id') }}
-- grain: one row per customer_id with an order: what they ordered until now, in dates, which stay while ages grow
with

orders as (
    select * from {{ touched('fct_orders') }}
    where is_order and customer_id is not null
),

-- A return has the customer of its order, so those of a touched customer are all there.
returns as (
    select * from {{ touched('fct_returns') }}
),

customers as (
    select * from {{ touched('dim_customers') }}
),

bookings as (
    {{ clv_bookings() }}
),

order_days as (
    select
        customer_id,
        ordered_date,
        count(case when booked_date = ordered_date then value_amount end) > 0 as is_valued,
        cast(sum(value_amount) as decimal(28, 8)) as value_amount
    from bookings
    group by customer_id, ordered_date
),

-- The first day is in no mean: it is what made them a customer.
placed_days as (
    select
        *,
        min(ordered_date) over (partition by customer_id) as first_ordered_date
    from order_days
),

histories as (
    select
        customer_id,
        min(ordered_date) as first_ordered_date,
        max(ordered_date) as last_ordered_date,
        count(*) - 1 as frequency,
        count(case when ordered_date > first_ordered_date and is_valued then 1 end) as valued_frequency,
        sum(case when ordered_date > first_ordered_date then value_amount end) as repeat_value_amount
    from placed_days
    group by customer_id
)

select
    histories.customer_id,
    coalesce(customers.segment, '(none)') as segment,
    histories.first_ordered_date,
    histories.frequency,
    {{ days_from('histories.first_ordered_date', 'histories.last_ordered_date') }} as recency_days,
    histories.valued_frequency,
    -- Refunds can make more than all of it go away; a customer's repeat orders are then worth nothing.
    cast(greatest(histories.repeat_value_amount, 0) as decimal(28, 8)) as repeat_value_amount
from histories
left join customers on histories.customer_id = customers.customer_id
