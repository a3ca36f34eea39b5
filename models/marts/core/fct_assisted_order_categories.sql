{{ config(unique_key='order_id') }}
-- grain: one row per order and product category of orders placed in or soon after a support session
with

assisted_orders as (
    select * from {{ touched('fct_assisted_orders') }}
),

order_products as (
    select * from {{ touched('fct_order_products') }}
)

select
    assisted_orders.order_id,
    order_products.category,
    assisted_orders.ordered_date,
    cast(sum(order_products.revenue_amount) as decimal(28, 8)) as revenue_amount
from assisted_orders
inner join order_products on 'order:' || assisted_orders.order_id = order_products.source_id
group by assisted_orders.order_id, order_products.category, assisted_orders.ordered_date
