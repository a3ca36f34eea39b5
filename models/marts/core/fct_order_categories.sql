{{ config(unique_key='order_id') }}
-- grain: one row per order and category of its products
{% call touched_when('dim_products') -%}
    select order_id from {{ ref('int_orders__returned_products') }}
    where product_id in (select product_id from {{ changes('dim_products') }})
{%- endcall %}
with

order_products as (
    select * from {{ touched('fct_order_products') }}
    where is_returned is not null
),

returned_products as (
    select * from {{ touched('int_orders__returned_products') }}
    where is_defective
),

products as (
    select * from {{ ref('dim_products') }}
),

order_categories as (
    select distinct
        order_id,
        category,
        booked_date
    from order_products
),

-- A return that names no product is of all of them.
defective_categories as (
    select
        returned_products.order_id,
        products.category,
        bool_or(returned_products.product_id is null) as is_whole_order
    from returned_products
    left join products on returned_products.product_id = products.product_id
    group by returned_products.order_id, products.category
)

select
    order_categories.order_id,
    order_categories.category,
    order_categories.booked_date as ordered_date,
    bool_or(
        defective_categories.order_id is not null
        and (
            defective_categories.is_whole_order
            or order_categories.category is not distinct from defective_categories.category
        )
    ) as is_returned_defective
from order_categories
left join defective_categories on order_categories.order_id = defective_categories.order_id
group by order_categories.order_id, order_categories.category, order_categories.booked_date
