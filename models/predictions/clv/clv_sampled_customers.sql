-- grain: one row per customer_id that the models are fitted on: all, or a sample where they are very many
with

histories as (
    select * from {{ ref('clv_histories') }}
),

-- A sample that depends on nothing but the ids.
fitted_customers as (
    select customer_id
    from histories
    order by md5(customer_id), customer_id
    limit {{ var('clv_fitted_customers') }}
)

select
    customer_id,
    row_number() over (order by md5(customer_id), customer_id) <= {{ clv_judged_customers() }} as is_judged
from fitted_customers
