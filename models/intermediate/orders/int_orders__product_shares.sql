-- grain: one row per order and product in it
with

order_items as (
    select * from {{ ref('stg_raw__order_items') }}
),

valued_items as (
    select
        order_id,
        product_id,
        cast(quantity * unit_price as double) as item_value,
        -- One line without a value makes the whole order's split unknown: then every line weighs the same.
        min(case when quantity * unit_price is null then 0 else 1 end) over (partition by order_id) = 1
        and sum(cast(quantity * unit_price as double)) over (partition by order_id) > 0 as is_split_known
    from order_items
),

weighted_items as (
    select
        order_id,
        product_id,
        case when is_split_known then item_value else 1e0 end as weight
    from valued_items
),

product_weights as (
    select
        order_id,
        product_id,
        sum(weight) as weight
    from weighted_items
    group by order_id, product_id
)

select
    order_id,
    product_id,
    weight / sum(weight) over (partition by order_id) as order_share
from product_weights
