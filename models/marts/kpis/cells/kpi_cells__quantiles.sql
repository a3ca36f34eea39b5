{{ config(unique_key=['kpi_id', 'period_grain', 'period_start']) }}
-- grain: one row per KPI, period, dimension and member, of the medians and percentiles
{%- set entries = quantile_entries() %}
{%- do ref('kpi_value_counts') %}  {#- read by macros, which dbt's parser does not run #}
with

ranked_values as (
    {%- for entry in entries %}
    {{ 'union all' if not loop.first }}
    {{ ranked_values(entry) }}  -- noqa: PRS
    {%- endfor %}
),

placed_values as (
    select
        *,
        last_rank - value_count + 1 as first_rank,
        -- Continuous percentile: between the values at the two ranks around this place, counted from 0.
        quantile * (row_count - 1) as place,
        -- Ranks, from 1, that hold the true percentile with 95 %.
        floor(row_count * quantile - {{ normal_critical() }} * sqrt(row_count * quantile * (1 - quantile)))
            as low_rank,
        ceil(row_count * quantile + {{ normal_critical() }} * sqrt(row_count * quantile * (1 - quantile))) + 1
            as high_rank
    from ranked_values
),

-- Of a cell's many values no more than four are of interest.
needed_values as (
    select * from placed_values
    where
        floor(place) + 1 between first_rank and last_rank
        or ceil(place) + 1 between first_rank and last_rank
        or low_rank between first_rank and last_rank
        or high_rank between first_rank and last_rank
),

cells as (
    select
        kpi_id,
        kind,
        period_grain,
        period_start,
        dimension_name,
        dimension_value,
        place,
        row_count,
        min(case when last_rank > floor(place) then measure end) as value_below,
        min(case when last_rank > ceil(place) then measure end) as value_above,
        min(case when low_rank >= 1 and last_rank >= low_rank then measure end) as ci_low,
        min(case when high_rank <= row_count and last_rank >= high_rank then measure end) as ci_high
    from needed_values
    group by kpi_id, kind, period_grain, period_start, dimension_name, dimension_value, place, row_count
)

select
    kpi_id,
    kind,
    period_grain,
    period_start,
    dimension_name,
    dimension_value,
    value_below + (place - floor(place)) * (value_above - value_below) as value,
    case when ci_high is not null then ci_low end as ci_low,
    case when ci_low is not null then ci_high end as ci_high,
    cast(null as double) as numerator,
    cast(null as double) as denominator,
    cast(row_count as bigint) as sample_size,
    (ci_high - ci_low) / (2 * {{ normal_critical() }}) as standard_error
from cells
