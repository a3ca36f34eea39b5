-- grain: one row per KPI that waits for a column
{%- set columns_by_table = {} -%}
{%- for groups in needed_columns().values() -%}
{%- for group in groups -%}
{%- for name in group -%}
{%- do columns_by_table.setdefault(name.split('.')[0], []).append(name.split('.')[1]) -%}
{%- endfor -%}
{%- endfor -%}
{%- endfor %}
with

{% for table, columns in columns_by_table.items() -%}
{{ table }}_filled as (
    select
    {%- for column in columns | unique %}
        count({{ column }}) as {{ column }}
    {{ ',' if not loop.last }}
    
    {%- endfor %}
    from {{ ref('stg_raw__' ~ table) }}
),

{% endfor -%}
filled_columns as (
    {%- for table, columns in columns_by_table.items() %}
    {%- set outer_last = loop.last %}
    {%- for column in columns | unique %}
    select
        '{{ table }}.{{ column }}' as column_name,
        {{ column }} > 0 as is_filled
    from {{ table }}_filled
    {{ 'union all' if not (outer_last and loop.last) }}
    {%- endfor %}
    {%- endfor %}
),

needs as (
    {%- for kpi_id, groups in needed_columns().items() %}
    {%- set last_kpi = loop.last %}
    {%- for group in groups %}
    {%- set position, last_group = loop.index, loop.last %}
    {%- for name in group %}
    select
        '{{ kpi_id }}' as kpi_id,
        {{ position }} as need,
        '{{ name }}' as column_name
    {{ 'union all' if not (last_kpi and last_group and loop.last) }}
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
),

answered_needs as (
    select
        needs.kpi_id,
        needs.need,
        bool_or(filled_columns.is_filled) as is_answered,
        {{ text_list('needs.column_name', ' or ') }} as column_names
    from needs
    inner join filled_columns on needs.column_name = filled_columns.column_name
    group by needs.kpi_id, needs.need
)

select
    kpi_id,
    {{ text_list('column_names', ', ') }} as missing_columns
from answered_needs
where not is_answered
group by kpi_id
