-- grain: one row per raw_table and currency with amounts that are in no sum, because no rate converts them
with

orders as (
    select * from {{ ref('stg_raw__orders') }}
),

interactions as (
    select * from {{ ref('stg_raw__interactions') }}
),

rates as (
    select * from {{ ref('int_money__rates') }}
),

run as (
    select * from {{ ref('int_money__reporting_currency') }}
),

amounts as (
    select
        'orders' as raw_table,
        currency,
        {{ reporting_date('ordered_at') }} as amount_date
    from orders
    where gross_amount is not null or cost_amount is not null

    union all

    select
        'returns' as raw_table,
        orders.currency,
        {{ reporting_date('returns.returned_at') }} as amount_date
    from {{ ref('stg_raw__returns') }} as returns
    inner join orders on returns.order_id = orders.order_id
    where returns.refund_amount is not null

    union all

    select
        'subscription_events' as raw_table,
        currency,
        {{ reporting_date('event_at') }} as amount_date
    from {{ ref('stg_raw__subscription_events') }}
    where mrr_amount is not null

    union all

    -- An agent's hour is converted on the day of each interaction.
    select
        'agents' as raw_table,
        agents.currency,
        {{ reporting_date('interactions.started_at') }} as amount_date
    from {{ ref('stg_raw__agents') }} as agents
    inner join interactions on agents.agent_id = interactions.agent_id
    where agents.hourly_cost is not null

    union all

    select
        'campaign_costs' as raw_table,
        currency,
        cost_date as amount_date
    from {{ ref('stg_raw__campaign_costs') }}
    where cost_amount is not null

    union all

    select
        'ad_events' as raw_table,
        currency,
        {{ reporting_date('event_at') }} as amount_date
    from {{ ref('stg_raw__ad_events') }}
    where cost_amount is not null
)

select
    amounts.raw_table,
    amounts.currency,
    count(*) as amount_count,
    min(amounts.amount_date) as first_date,
    max(amounts.amount_date) as last_date
from amounts
cross join run
{{ join_rate('rates', 'amounts.currency', 'amounts.amount_date') }}
where
    amounts.currency <> run.reporting_currency
    and rates.rate is null
group by amounts.raw_table, amounts.currency
