{{ config(unique_key=['kpi_id', 'period_grain', 'period_start']) }}
-- grain: one row per KPI, period, dimension and member, of the medians and percentiles
{%- do ref('kpi_value_counts') %}  {#- read by macros, which dbt's parser does not run #}
with

-- What a cell's numbers stand for, of each KPI.
dimensions as (
    {%- for entry in quantile_entries() %}
    {{ 'union all' if not loop.first }}
        {%- for dimension in cell_dimensions(entry, 'all') %}
    {{ 'union all' if not loop.first }}
    select
        '{{ entry.kpi_id }}' as kpi_id,
        '{{ entry.kind }}' as kind,
        {{ 0.75 if entry.kind == 'p75' else 0.5 }}e0 as quantile,
        {{ dimension_number(entry, dimension) }} as dimension_number,
        '{{ dimension }}' as dimension_name
        {%- endfor %}
    {%- endfor %}
),

sizes as (
    {%- for values, row_count in [
        (row_values(quantile_entries()), 'count(*)'),
        (counted_values(), 'cast(sum(value_count) as bigint)'),
    ] if values | trim %}
    {{ 'union all' if not loop.first }}
    select
        kpi_id,
        period_grain,
        period_start,
        dimension_number,
        dimension_value,
        {{ row_count }} as row_count
    from ({{ values }}) as each_value
    group by kpi_id, period_grain, period_start, dimension_number, dimension_value
    -- True of every group. It has DuckDB expect few cells, and look values up among cells, not cells among values.
    having count(*) > 0
    {%- endfor %}
),

-- Values are many: they are sorted by the number of their cell.
cells as (
    select
        *,
        cast(row_number() over (
            order by kpi_id, period_grain, period_start, dimension_number, dimension_value
        ) as int) as cell_number
    from sizes
),

-- The values of each cell in ascending order, with the rank of their last row; one KPI after the other, which takes
-- less room. Every value has its cell, but of an inner join DuckDB expects a hundred times the rows, and sorts so.
ranked_values as (
    {%- set sources = [(counted_values(), 'each_value.value_count', 'sum(each_value.value_count)')] %}
    {%- for entry in quantile_entries() %}
        {%- do sources.append((row_values([entry]), '1', 'row_number()')) %}
    {%- endfor %}
    {%- for values, value_count, last_rank in sources if values | trim %}
    {{ 'union all' if not loop.first }}
    select
        cells.cell_number,
        each_value.measure,
        {{ value_count }} as value_count,
        {{ last_rank }} over (
            partition by cells.cell_number order by each_value.measure rows between unbounded preceding and current row
        ) as last_rank
    from ({{ values }}) as each_value
    left join cells
        on each_value.kpi_id = cells.kpi_id
            and each_value.period_grain = cells.period_grain
            and each_value.period_start = cells.period_start
            and each_value.dimension_number = cells.dimension_number
            and each_value.dimension_value = cells.dimension_value
    {%- endfor %}
),

described_cells as (
    select
        cells.*,
        dimensions.kind,
        dimensions.dimension_name,
        -- Continuous percentile: between the values at the two ranks around this place, counted from 0.
        dimensions.quantile * (cells.row_count - 1) as place,
        -- Ranks, from 1, that hold the true percentile with 95 %: rounded to the nearest they do, by the binomial
        -- distribution, for every number of rows that reaches them; rounded outwards they would claim too little.
        round(
            cells.row_count * dimensions.quantile
            - {{ normal_critical() }} * sqrt(cells.row_count * dimensions.quantile * (1 - dimensions.quantile))
        ) as low_rank,
        round(
            cells.row_count * dimensions.quantile
            + {{ normal_critical() }} * sqrt(cells.row_count * dimensions.quantile * (1 - dimensions.quantile))
        ) + 1 as high_rank
    from cells
    inner join dimensions
        on cells.kpi_id = dimensions.kpi_id and cells.dimension_number = dimensions.dimension_number
),

-- Of a cell's many values only those between these ranks are of interest, and no more than four of them.
bounds as (
    select
        cells.cell_number,
        min(case when ranked_values.last_rank > floor(cells.place) then ranked_values.measure end) as value_below,
        min(case when ranked_values.last_rank > ceil(cells.place) then ranked_values.measure end) as value_above,
        min(case when cells.low_rank >= 1 then ranked_values.measure end) as ci_low,
        min(case
            when cells.high_rank <= cells.row_count and ranked_values.last_rank >= cells.high_rank
                then ranked_values.measure
        end) as ci_high
    from ranked_values
    inner join described_cells as cells on ranked_values.cell_number = cells.cell_number
    where
        ranked_values.last_rank >= cells.low_rank
        and ranked_values.last_rank - ranked_values.value_count < cells.high_rank
    group by cells.cell_number
)

select
    cells.kpi_id,
    cells.kind,
    cells.period_grain,
    cells.period_start,
    cells.dimension_name,
    cells.dimension_value,
    bounds.value_below
    + (cells.place - floor(cells.place)) * (bounds.value_above - bounds.value_below) as value,
    case when bounds.ci_high is not null then bounds.ci_low end as ci_low,
    case when bounds.ci_low is not null then bounds.ci_high end as ci_high,
    cast(null as double) as numerator,
    cast(null as double) as denominator,
    cells.row_count as sample_size,
    (bounds.ci_high - bounds.ci_low) / (2 * {{ normal_critical() }}) as standard_error
from described_cells as cells
inner join bounds on cells.cell_number = bounds.cell_number
