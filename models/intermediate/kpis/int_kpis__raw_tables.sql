-- grain: one row per raw table
{%- for table in raw_contract() %}
select
    '{{ table }}' as raw_table,
    exists(select 1 from {{ ref('stg_raw__' ~ table) }}) as has_rows
{{ 'union all' if not loop.last }}
{%- endfor %}
