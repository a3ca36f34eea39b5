{{ config(unique_key='source_id') }}
-- grain: one row per order or return and product in it
{% call touched_when('int_orders__product_shares') -%}
    select 'order:' || order_id from {{ changes('int_orders__product_shares') }}
    union all
    select 'return:' || return_id from {{ ref('fct_returns') }}
    where order_id in (select order_id from {{ changes('int_orders__product_shares') }})
{%- endcall %}
{% call touched_when('dim_products') -%}
    select source_id from {{ this }}
    where product_id in (select product_id from {{ changes('dim_products') }})
{%- endcall %}
with

orders as (
    select * from {{ touched('fct_orders', "'order:' || order_id") }}
),

returns as (
    select * from {{ touched('fct_returns', "'return:' || return_id") }}
),

product_shares as (
    select * from {{ ref('int_orders__product_shares') }}
),

products as (
    select * from {{ ref('dim_products') }}
),

returned_products as (
    select * from {{ touched('int_orders__returned_products', "'order:' || order_id") }}
),

money_by_product as (
    select
        'order:' || orders.order_id as source_id,
        orders.order_id,
        product_shares.product_id,
        orders.ordered_date as booked_date,
        cast(
            cast(orders.revenue_amount as double) * coalesce(product_shares.order_share, 1)
            as decimal(28, 8)
        ) as revenue_amount,
        case when orders.is_returned is not null then
                returned_products.order_id is not null or returned_orders.order_id is not null
        end as is_returned,
        case when orders.is_returned is not null then
                coalesce(returned_products.is_defective, false)
                or coalesce(returned_orders.is_defective, false)
        end as is_returned_defective,
        true as is_order
    from orders
    left join product_shares on orders.order_id = product_shares.order_id
    left join returned_products
        on product_shares.order_id = returned_products.order_id
            and product_shares.product_id = returned_products.product_id
    -- A return that names no product is of all of them.
    left join returned_products as returned_orders
        on orders.order_id = returned_orders.order_id and returned_orders.product_id is null
    where orders.is_order

    union all

    select
        'return:' || returns.return_id as source_id,
        returns.order_id,
        coalesce(returns.product_id, product_shares.product_id) as product_id,
        returns.returned_date as booked_date,
        cast(
            cast(returns.revenue_amount as double) * coalesce(product_shares.order_share, 1)
            as decimal(28, 8)
        ) as revenue_amount,
        cast(null as boolean) as is_returned,
        cast(null as boolean) as is_returned_defective,
        cast(null as boolean) as is_order
    from returns
    -- A return that names its product needs no split.
    left join product_shares
        on case when returns.product_id is null then returns.order_id end = product_shares.order_id
    where returns.revenue_amount is not null
)

select
    money_by_product.source_id,
    money_by_product.order_id,
    money_by_product.product_id,
    products.category,
    products.brand,
    money_by_product.booked_date,
    money_by_product.revenue_amount,
    money_by_product.is_returned,
    money_by_product.is_returned_defective,
    money_by_product.is_order
from money_by_product
left join products on money_by_product.product_id = products.product_id
