{{ config(unique_key='order_id') }}
-- grain: one row per order and product of it that came back in time; a null product is the whole order
with

orders as (
    select * from {{ touched('stg_raw__orders') }}
),

returns as (
    select * from {{ touched('stg_raw__returns') }}
)

select
    returns.order_id,
    returns.product_id,
    bool_or({{ is_defect('returns.reason') }}) as is_defective
from returns
inner join orders
    on returns.order_id = orders.order_id
        and returns.returned_at >= orders.ordered_at
        and returns.returned_at <= orders.ordered_at + {{ return_window_days() }} * interval '1' day
group by returns.order_id, returns.product_id
