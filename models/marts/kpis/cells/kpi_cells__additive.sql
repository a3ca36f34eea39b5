-- grain: one row per KPI, period, dimension and member, of the KPIs whose parts add up
with

parts as (
    {%- for fact in facts_with_parts() %}
    select * from {{ ref('kpi_parts__' ~ fact) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

registry as (
    {%- for kpi_id, entry in registered_kpis().items() %}
    select '{{ kpi_id }}' as kpi_id, '{{ entry.kind }}' as kind, cast({{ entry.scale }} as double) as scale
    {{ 'union all' if not loop.last }}
    {%- else %}
    select '' as kpi_id, '' as kind, 1e0 as scale
    {%- endfor %}
),

rolled_up as (
    {{ all_grains('parts', [
        'sum(numerator) as numerator', 'sum(denominator) as denominator',
        'cast(sum(sample_size) as bigint) as sample_size', 'sum(sum_of_squares) as sum_of_squares',
    ], ['kpi_id', 'dimension_name', 'dimension_value']) }}
),

cells as (
    select
        rolled_up.kpi_id,
        registry.kind,
        registry.scale,
        rolled_up.period_grain,
        rolled_up.period_start,
        rolled_up.dimension_name,
        rolled_up.dimension_value,
        cast(case when registry.kind in ('count', 'sum') then rolled_up.numerator
            else coalesce(rolled_up.numerator, 0) end as double) as numerator,
        cast(case when registry.kind not in ('count', 'sum') then rolled_up.denominator end as double)
            as denominator,
        rolled_up.sample_size,
        cast(rolled_up.sum_of_squares as double) as sum_of_squares
    from rolled_up
    inner join registry on rolled_up.kpi_id = registry.kpi_id
    -- A denominator of 0 gives no row, never a 0.
    where registry.kind in ('count', 'sum') or rolled_up.denominator <> 0
),

measured_cells as (
    select
        *,
        case
            when kind = 'mean' and sample_size > 1
                then sqrt({{ sample_variance('numerator', 'sum_of_squares', 'sample_size') }} / sample_size)
            -- The variance of a score that is -1, 0 or 1, in points of -100..100. Where all say the same, it is not known.
            when kind = 'nps' and sample_size > 1
                then 100 * sqrt(nullif(greatest(
                    sum_of_squares / denominator - power(numerator / denominator, 2), 0
                ), 0) / denominator)
        end as standard_error
    from cells
)

{{ measured_cells('measured_cells') }}
