{{ config(unique_key='customer_id') }}
-- grain: one row per customer_id with an order
with

orders as (
    select * from {{ touched('fct_orders') }}
    where is_order and customer_id is not null
),

returns as (
    select * from {{ touched('fct_returns') }}
),

customers as (
    select * from {{ touched('dim_customers') }}
),

order_refunds as (
    select
        order_id,
        sum(revenue_amount) as refund_effect_amount
    from returns
    group by order_id
),

first_orders as (
    select * from orders
    where new_or_repeat = 'new'
),

customer_totals as (
    select
        orders.customer_id,
        count(*) as order_count,
        max(orders.ordered_at) as last_ordered_at,
        -- Null, not 0, for a customer none of whose orders has an amount.
        sum(orders.revenue_amount)
        + coalesce(sum(order_refunds.refund_effect_amount), 0) as revenue_amount,
        sum(case when orders.cost_amount is not null
                then orders.revenue_amount
                    + coalesce(order_refunds.refund_effect_amount, 0)
                    - orders.cost_amount
        end) as margin_amount
    from orders
    left join order_refunds on orders.order_id = order_refunds.order_id
    group by orders.customer_id
)

select
    customer_totals.customer_id,
    first_orders.ordered_at as first_ordered_at,
    first_orders.ordered_date as first_ordered_date,
    customer_totals.last_ordered_at,
    first_orders.channel,
    first_orders.country,
    first_orders.segment,
    customers.acquisition_channel,
    customer_totals.order_count,
    customer_totals.order_count >= 2 as is_repeat_customer,
    cast(customer_totals.revenue_amount as decimal(28, 8)) as revenue_amount,
    cast(customer_totals.margin_amount as decimal(28, 8)) as margin_amount
from customer_totals
inner join first_orders on customer_totals.customer_id = first_orders.customer_id
left join customers on customer_totals.customer_id = customers.customer_id
