-- grain: one row per customer_id that the models are fitted on and judged by: all, or a sample where they are very many
with

histories as (
    select * from {{ ref('clv_histories') }}
)

-- A sample that depends on nothing but the ids. With more of them estimates change by less than a hundredth of what a
-- season does (docs/models/clv.md).
select customer_id
from histories
order by md5(customer_id), customer_id
limit {{ var('clv_fitted_customers') }}
