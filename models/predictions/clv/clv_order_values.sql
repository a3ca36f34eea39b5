-- grain: one row per customer_id, ordered_date and booked_date: what a day's orders are worth, and refunds
with

orders as (
    select * from {{ ref('fct_orders') }}
    where is_order and customer_id is not null
),

returns as (
    select * from {{ ref('fct_returns') }}
),

-- A refund is known from the day of the return on: an estimate as of an earlier day must not see it.
bookings as (
    select
        customer_id,
        ordered_date,
        ordered_date as booked_date,
        coalesce(revenue_amount - cost_amount, revenue_amount) as value_amount
    from orders

    union all

    select
        orders.customer_id,
        orders.ordered_date,
        greatest(returns.returned_date, orders.ordered_date) as booked_date,
        returns.revenue_amount as value_amount
    from returns
    inner join orders on returns.order_id = orders.order_id
    where returns.revenue_amount <> 0
),

daily_bookings as (
    select
        customer_id,
        ordered_date,
        booked_date,
        cast(sum(cast(value_amount as decimal(28, 8))) as decimal(28, 8)) as value_amount
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
