-- Opening + new + expansion + reactivation - contraction - churned is closing: movements are found per customer,
-- opening and closing by running sums, so a customer lost on the way shows here.
select
    period_grain,
    period_start,
    dimension_name,
    dimension_value,
    closing_mrr
from {{ ref('int_subscriptions__mrr_movements') }}
where
    opening_mrr + new_mrr + expansion_mrr + reactivation_mrr - contraction_mrr - churned_mrr <> closing_mrr
