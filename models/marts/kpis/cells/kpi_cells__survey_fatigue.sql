-- grain: one row per KPI, period, dimension and member of customers invited too often
with

invitations as (
    select * from {{ ref('fct_survey_invitations') }}
    where customer_id is not null
),

-- People do not add up over days, so every grain counts them itself.
invited_customers as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('sent_date', grain) }} as period_start,
        customer_id,
        {{ dimension_member('segment') }} as dimension_1,
        bool_or(is_over_limit) as is_over_limit
    from invitations
    group by
        {{ period_start('sent_date', grain) ~ ', ' if grain != 'all' }}customer_id,
        {{ dimension_member('segment') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

cells as (
    select
        'survey_fatigue_rate' as kpi_id,
        'share' as kind,
        1e0 as scale,
        period_grain,
        period_start,
        {{ rolled_up_dimension(['segment']) }},
        cast(count(case when is_over_limit then 1 end) as double) as numerator,
        cast(count(*) as double) as denominator,
        count(*) as sample_size,
        cast(null as double) as standard_error
    from invited_customers
    group by grouping sets ((period_grain, period_start), (period_grain, period_start, dimension_1))  -- noqa: PRS
)

{{ measured_cells('cells') }}
