-- grain: one row per split and metric
with

evaluations as (
    select * from {{ ref('churn_evaluation') }}
)

select
    split,
    metric,
    value,
    baseline_value,
    recency_value,
    closed_form_value,
    combined_value,
    customer_count,
    champion,
    note
from evaluations
