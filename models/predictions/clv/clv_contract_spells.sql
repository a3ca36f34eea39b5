-- grain: one row per snapshot_date, subscription_id and spell_start: an uninterrupted time of paying, as known by then
with

subscription_months as (
    select * from {{ ref('fct_subscription_months') }}
    where customer_id is not null
),

snapshots as (
    select * from {{ ref('clv_snapshots') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

paid_months as (
    select
        *,
        lag(month_start) over (partition by subscription_id order by month_start) as previous_paid_month
    from subscription_months
    where closing_mrr > 0
),

-- A subscription that paid nothing at the end of a month and pays again starts anew.
numbered_months as (
    select
        *,
        sum(
            case
                when previous_paid_month = cast(month_start - interval '1' month as date) then 0
                else 1
            end
        ) over (
            partition by subscription_id order by month_start
            rows between unbounded preceding and current row
        ) as spell_number
    from paid_months
),

spell_months as (
    select
        subscription_id,
        customer_id,
        month_start,
        closing_mrr,
        sum(closing_mrr) over (
            partition by subscription_id, spell_number order by month_start
            rows between unbounded preceding and current row
        ) as paid_amount,
        min(month_start) over (partition by subscription_id, spell_number) as spell_start,
        max(month_start) over (partition by subscription_id, spell_number) as last_paid_month
    from numbered_months
),

-- The last month that is over by the snapshot.
known_months as (
    select
        snapshots.*,
        cast(date_trunc('month', snapshots.snapshot_date + 1) - interval '1' month as date) as last_month,
        cast(date_trunc('month', snapshots.horizon_end_date + 1) - interval '1' month as date)
            as last_holdout_month
    from snapshots
)

select
    known_months.snapshot_date,
    known_months.is_current,
    spell_months.subscription_id,
    spell_months.spell_start,
    spell_months.customer_id,
    coalesce(customers.segment, '(none)') as segment,
    spell_months.closing_mrr as mrr_amount,
    cast({{ months_between('spell_months.spell_start', 'spell_months.month_start') }} as bigint)
        as renewal_count,
    spell_months.last_paid_month < known_months.last_month as is_lost,
    cast({{ months_between('known_months.last_month', 'known_months.last_holdout_month') }} as bigint)
        as holdout_month_count,
    cast(
        {{ months_between(
            'spell_months.month_start',
            'least(spell_months.last_paid_month, known_months.last_holdout_month)'
        ) }} as bigint
    ) as holdout_renewal_count,
    cast(coalesce(holdout_ends.paid_amount - spell_months.paid_amount, 0) as decimal(28, 8)) as holdout_mrr_amount
from spell_months
inner join known_months
    on spell_months.month_start = least(spell_months.last_paid_month, known_months.last_month)
left join spell_months as holdout_ends
    on spell_months.subscription_id = holdout_ends.subscription_id
        and spell_months.spell_start = holdout_ends.spell_start
        -- The last month is the spell's own, so either side has it; this one leaves a hash join.
        and holdout_ends.month_start = least(spell_months.last_paid_month, known_months.last_holdout_month)
left join customers on spell_months.customer_id = customers.customer_id
