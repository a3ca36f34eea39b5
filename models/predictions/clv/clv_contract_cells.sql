-- grain: one row per snapshot_date, segment, renewal_count, is_lost, holdout_month_count and holdout_renewal_count
with

spells as (
    select * from {{ ref('clv_contract_spells') }}
)

select
    snapshot_date,
    is_current,
    segment,
    renewal_count,
    is_lost,
    holdout_month_count,
    holdout_renewal_count,
    count(*) as contract_count,
    cast(sum(mrr_amount) as decimal(28, 8)) as mrr_amount,
    cast(sum(holdout_mrr_amount) as decimal(28, 8)) as holdout_mrr_amount
from spells
group by
    snapshot_date,
    is_current,
    segment,
    renewal_count,
    is_lost,
    holdout_month_count,
    holdout_renewal_count
