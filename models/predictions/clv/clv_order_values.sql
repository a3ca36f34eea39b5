{{ config(unique_key='customer_id') }}
-- grain: one row per judged customer_id, ordered_date and booked_date: what a day's orders are worth, and refunds
with

sampled_customers as (
    select * from {{ touched('clv_sampled_customers') }}
    where is_judged
),

orders as (
    select * from {{ touched('fct_orders') }}
    where is_order and customer_id in (select customer_id from sampled_customers)
),

returns as (
    select * from {{ touched('fct_returns') }}
),

bookings as (
    {{ clv_bookings() }}
),

daily_bookings as (
    select
        customer_id,
        ordered_date,
        booked_date,
        cast(sum(value_amount) as decimal(28, 8)) as value_amount
    from bookings
    group by customer_id, ordered_date, booked_date
)

select
    customer_id,
    ordered_date,
    booked_date,
    min(ordered_date) over (partition by customer_id) as first_ordered_date,
    booked_date = ordered_date as is_order_day,
    value_amount
from daily_bookings
