-- grain: one row per campaign_id and cost_date with a cost that can be converted
with

campaign_costs as (
    select * from {{ ref('stg_raw__campaign_costs') }}
),

rates as (
    select * from {{ ref('int_money__rates') }}
),

run as (
    select * from {{ ref('int_money__reporting_currency') }}
),

converted_costs as (
    select
        campaign_costs.campaign_id,
        campaign_costs.cost_date,
        {{ in_reporting_currency('campaign_costs.cost_amount', 'campaign_costs.currency',
                                 'rates.rate', 'run.reporting_currency') }} as cost_amount
    from campaign_costs
    cross join run
    {{ join_rate('rates', 'campaign_costs.currency', 'campaign_costs.cost_date') }}
)

select * from converted_costs
where cost_amount is not null
