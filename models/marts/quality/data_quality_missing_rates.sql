-- grain: one row per raw_table and currency with amounts that are in no sum, because no rate converts them
with

rates as (
    select * from {{ ref('int_money__rates') }}
),

run as (
    select * from {{ ref('int_money__reporting_currency') }}
),

amounts as (
    {%- for table, amount_date, amount in [
        ('orders', reporting_date('ordered_at'), 'coalesce(gross_amount, cost_amount)'),
        ('subscription_events', reporting_date('event_at'), 'mrr_amount'),
        ('campaign_costs', 'cost_date', 'cost_amount'),
        ('ad_events', reporting_date('event_at'), 'cost_amount'),
    ] %}
    select
        '{{ table }}' as raw_table,
        currency,
        {{ amount_date }} as amount_date
    from {{ ref('stg_raw__' ~ table) }}
    where {{ amount }} is not null

    union all
    {% endfor %}
    select
        'returns' as raw_table,
        orders.currency,
        {{ reporting_date('returns.returned_at') }} as amount_date
    from {{ ref('stg_raw__returns') }} as returns
    inner join {{ ref('stg_raw__orders') }} as orders on returns.order_id = orders.order_id
    where returns.refund_amount is not null

    union all

    -- An agent's hour is converted on the day of each interaction.
    select
        'agents' as raw_table,
        agents.currency,
        {{ reporting_date('interactions.started_at') }} as amount_date
    from {{ ref('stg_raw__agents') }} as agents
    inner join {{ ref('stg_raw__interactions') }} as interactions on agents.agent_id = interactions.agent_id
    where agents.hourly_cost is not null
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
