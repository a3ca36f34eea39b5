{{ config(unique_key='order_id') }}
-- grain: one row per order and product in it
with

order_items as (
    select * from {{ touched('stg_raw__order_items') }}
),

-- Decimals add up to the same sum in any order. What none can hold is no value.
valued_items as (
    select
        order_id,
        product_id,
        case
            when abs(quantity * unit_price) < 1e18 then cast(quantity * unit_price as decimal(28, 8))
        end as item_value
    from order_items
),

-- One line without a value makes the whole order's split unknown: then every line weighs the same.
weighted_items as (
    select
        order_id,
        product_id,
        case
            when
                count(case when item_value is null then 1 end) over (partition by order_id) = 0
                and sum(item_value) over (partition by order_id) > 0
                then item_value
            else 1
        end as weight
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
    cast(weight as double)
    / nullif(cast(sum(weight) over (partition by order_id) as double), 0) as order_share
from product_weights
