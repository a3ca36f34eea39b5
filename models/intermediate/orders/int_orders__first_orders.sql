{{ config(unique_key='customer_id') }}
-- grain: one row per customer_id with an order, the first of them
{% call touched_when('int_identity__links') -%}
    select customer_id from {{ changes('int_identity__links') }}
{%- endcall %}
{%- set links = ref('int_identity__links') ~ ' as links' %}
{%- set linked_customer = '(select links.customer_id from ' ~ links ~ ' where links.identity_value = visitor_id)' %}
with

orders as (
    select * from {{ touched('stg_raw__orders', 'coalesce(customer_id, ' ~ linked_customer ~ ')') }}
    where {{ is_order('status') }}
),

links as (
    select * from {{ ref('int_identity__links') }}
),

customer_orders as (
    select
        coalesce(orders.customer_id, links.customer_id) as customer_id,
        orders.order_id,
        orders.ordered_at
    from orders
    left join links on orders.visitor_id = links.identity_value
),

ranked_orders as (
    select
        customer_id,
        order_id,
        row_number() over (partition by customer_id order by ordered_at, order_id) as order_rank
    from customer_orders
    where customer_id is not null
)

select
    customer_id,
    order_id
from ranked_orders
where order_rank = 1
