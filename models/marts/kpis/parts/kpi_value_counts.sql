{{ config(unique_key=['kpi_id', 'part_date']) }}
-- grain: one row per KPI, month, dimension and member, and value of a median or percentile
{%- set entries = quantile_entries() %}
{%- for entry in entries %}
    {{ 'union all' if not loop.first }}
select
    cast(kpi_id as {{ dbt.type_string() }}) as kpi_id,
    period_start as part_date,
    dimension_number,
    dimension_value,
    measure,
    count(*) as value_count
from (
    {{- cell_values(entry, 'month', ["'" ~ entry.kpi_id ~ "'", period_start(entry.date, 'month')]) }}
) as {{ entry.kpi_id }}_values
group by kpi_id, period_start, dimension_number, dimension_value, measure
{%- endfor %}
