-- grain: one row per KPI that waits for a column
with

-- One value is enough: rows are looked at up to the first.
filled_columns as (
    {%- for name in needed_columns().values() | sum(start=[]) | sum(start=[]) | unique %}
    {%- set table, column = name.split('.') %}
    select
        '{{ name }}' as column_name,
        exists(
            select 1 from {{ ref('stg_raw__' ~ table) }}
            where {{ column }} is not null
        ) as is_filled
    {{ 'union all' if not loop.last }}
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
