-- grain: one row per raw table
{%- for table in raw_contract() %}
select
    '{{ table }}' as raw_table,
    count(*) as accepted_rows
from {{ ref('stg_raw__' ~ table) }}
{{ 'union all' if not loop.last }}
{%- endfor %}
