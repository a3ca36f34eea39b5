-- grain: one row per item: a feature, or a parameter of the closed form
with

items as (
    select * from {{ ref('churn_drift') }}
)

select
    item,
    item_type,
    psi,
    z_score,
    reference_value,
    current_value,
    verdict
from items
