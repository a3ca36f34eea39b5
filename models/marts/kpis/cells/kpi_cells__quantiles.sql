-- grain: one row per KPI, period, dimension and member, of the medians and percentiles
with

counts as (
    {%- for fact in facts_with_quantiles() %}
    select * from {{ ref('kpi_counts__' ~ fact) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

registry as (
    {%- for kpi_id, entry in registered_kpis().items() if entry.kind in ('median', 'p75') %}
    select '{{ kpi_id }}' as kpi_id, '{{ entry.kind }}' as kind, {{ 0.75 if entry.kind == 'p75' else 0.5 }}e0 as quantile
    {{ 'union all' if not loop.last }}
    {%- else %}
    select '' as kpi_id, '' as kind, 0.5e0 as quantile
    {%- endfor %}
),

-- Almost every value is another one, so these are many rows: a number is sorted faster than three texts.
series as (
    select
        kpi_id,
        dimension_name,
        dimension_value,
        row_number() over (
            order by kpi_id nulls first, dimension_name nulls first, dimension_value nulls first
        ) as series_number
    from (select distinct kpi_id, dimension_name, dimension_value from counts) as named_series
),

numbered_counts as (
    select
        series.series_number,
        counts.part_grain,
        counts.part_date,
        counts.measure,
        counts.value_count
    from counts
    inner join series
        on counts.kpi_id = series.kpi_id
            and counts.dimension_name = series.dimension_name
            and counts.dimension_value = series.dimension_value
),

rolled_up as (
    {{ all_grains(
        'numbered_counts', ['cast(sum(value_count) as bigint) as value_count'], ['series_number', 'measure']
    ) }}
),

ranked_values as (
    select
        *,
        sum(value_count) over (
            partition by series_number, period_grain, period_start order by measure
            rows between unbounded preceding and current row
        ) as rows_until,
        sum(value_count) over (
            partition by series_number, period_grain, period_start
        ) as row_count
    from rolled_up
),

placed_values as (
    select
        ranked_values.*,
        series.kpi_id,
        series.dimension_name,
        series.dimension_value,
        registry.kind,
        registry.quantile,
        -- Continuous percentile: between the values at the two ranks around this place, counted from 0.
        registry.quantile * (ranked_values.row_count - 1) as place,
        -- Ranks, from 1, that hold the true percentile with 95 %.
        floor(ranked_values.row_count * registry.quantile - {{ normal_critical() }}
            * sqrt(ranked_values.row_count * registry.quantile * (1 - registry.quantile))) as low_rank,
        ceil(ranked_values.row_count * registry.quantile + {{ normal_critical() }}
            * sqrt(ranked_values.row_count * registry.quantile * (1 - registry.quantile))) + 1 as high_rank
    from ranked_values
    inner join series on ranked_values.series_number = series.series_number
    inner join registry on series.kpi_id = registry.kpi_id
),

cells as (
    select
        kpi_id,
        kind,
        period_grain,
        period_start,
        dimension_name,
        dimension_value,
        max(place) as place,
        max(row_count) as sample_size,
        min(case when rows_until > floor(place) then measure end) as value_below,
        min(case when rows_until > ceil(place) then measure end) as value_above,
        min(case when low_rank >= 1 and rows_until >= low_rank then measure end) as ci_low,
        min(case when high_rank <= row_count and rows_until >= high_rank then measure end) as ci_high
    from placed_values
    group by kpi_id, kind, period_grain, period_start, dimension_name, dimension_value
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
    cast(sample_size as bigint) as sample_size,
    (ci_high - ci_low) / (2 * {{ normal_critical() }}) as standard_error
from cells
