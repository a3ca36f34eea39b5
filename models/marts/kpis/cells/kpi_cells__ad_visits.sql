-- grain: one row per period, dimension and member of cost_per_engaged_visit
{%- set dimensions = kpi_dictionary()['cost_per_engaged_visit'].by %}
with

campaign_costs as (
    select * from {{ ref('int_ads__campaign_costs') }}
),

campaigns as (
    select * from {{ ref('dim_campaigns') }}
),

clicks as (
    select * from {{ ref('fct_ad_clicks') }}
    where is_engaged
),

-- A visit counts once, however many clicks lead to it.
visit_counts as (
    {{ distinct_counts('clicks', 'clicked_date', 'session_key', dimensions) }}  -- noqa: PRS
),

daily_costs as (
    select
        cost_date,
        {{ rolled_up_dimension(dimensions) }},
        sum(cost_amount) as cost_amount,
        count(*) as cost_count
    from (
        select
            campaign_costs.cost_date,
            {{ dimension_member('campaign_costs.campaign_id') }} as dimension_1,
            {{ dimension_member('campaigns.channel') }} as dimension_2,
            campaign_costs.cost_amount
        from campaign_costs
        left join campaigns on campaign_costs.campaign_id = campaigns.campaign_id
    )
    group by grouping sets ((cost_date), (cost_date, dimension_1), (cost_date, dimension_2))  -- noqa: PRS
),

costs as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('cost_date', grain) }} as period_start,
        dimension_name,
        dimension_value,
        sum(cost_amount) as cost_amount
    from daily_costs
    group by
        {{ period_start('cost_date', grain) ~ ', ' if grain != 'all' }}dimension_name,
        dimension_value
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

cells as (
    select
        'cost_per_engaged_visit' as kpi_id,
        'ratio' as kind,
        1e0 as scale,
        costs.period_grain,
        costs.period_start,
        costs.dimension_name,
        costs.dimension_value,
        cast(costs.cost_amount as double) as numerator,
        cast(visit_counts.distinct_count as double) as denominator,
        visit_counts.distinct_count as sample_size,
        cast(null as double) as standard_error
    from costs
    inner join visit_counts
        on costs.period_grain = visit_counts.period_grain
        and costs.period_start = visit_counts.period_start
        and costs.dimension_name = visit_counts.dimension_name
        and costs.dimension_value = visit_counts.dimension_value
)

{{ measured_cells('cells') }}
