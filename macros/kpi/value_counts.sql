{#-
    How often each value of a median's or percentile's measure occurs: one row per KPI, day (month for dimensions of
    many members), dimension, member and value. Counts of periods add up, so percentiles of any period are exact.
-#}
{% macro kpi_value_counts(fact) %}
{%- set entries = kpi_entries(fact) | selectattr('kind', 'in', ['median', 'p75']) | list -%}
{%- set ns = namespace(is_first=true) -%}
{%- for pass in kpi_passes(entries) -%}
{%- for entry in pass.entries %}
{%- set dimensions = pass.dimensions | select('in', entry.by) | list %}
{{ 'union all' if not ns.is_first }}
{%- set ns.is_first = false %}
select
    '{{ entry.kpi_id }}' as kpi_id,
    '{{ pass.grain }}' as part_grain,
    kpi_date as part_date,
    {{ rolled_up_dimension(dimensions) }},
    measure,
    count(*) as value_count
from (
    select
        {{ period_start(pass.date, pass.grain) }} as kpi_date,
        {%- for dimension in dimensions %}
        {{ dimension_member(dimension) }} as dimension_{{ loop.index }},
        {%- endfor %}
        cast({{ entry.measure }} as double) as measure
    from {{ ref(fact) }}
    where {{ pass.date }} is not null and {{ entry.measure }} is not null
)
group by grouping sets (
    {%- if entry.overall and pass.has_overall %}
    (kpi_date, measure){{ ',' if dimensions }}
    {%- endif %}
    {%- for dimension in dimensions %}
    (kpi_date, measure, dimension_{{ loop.index }}){{ ',' if not loop.last }}
    {%- endfor %}
)
{%- endfor %}
{%- endfor -%}
{%- if ns.is_first -%}
{#- Nothing registered yet, or dbt is only parsing; the columns stay the same. -#}
{%- do ref(fact) -%}
select
    kpi_id,
    part_grain,
    part_date,
    dimension_name,
    dimension_value,
    cast(null as double) as measure,
    sample_size as value_count
from ({{ no_parts() }})
{%- endif -%}
{% endmacro %}
