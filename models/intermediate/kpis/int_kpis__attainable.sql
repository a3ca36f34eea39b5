-- grain: one row per KPI of the dictionary
with

raw_tables as (
    select * from {{ ref('int_kpis__raw_tables') }}
),

-- A need is a group of alternatives, of which one table with accepted rows is enough.
needs as (
    {%- set ns = namespace(is_first=true) -%}
    {%- for kpi_id, entry in kpi_dictionary().items() %}
    {%- for alternatives in entry.needs %}
    {%- set position = loop.index %}
    {%- for table in alternatives %}
    {{ 'union all' if not ns.is_first }}
    {%- set ns.is_first = false %}
    select '{{ kpi_id }}' as kpi_id, {{ position }} as need, '{{ table }}' as raw_table
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
),

answered_needs as (
    select
        needs.kpi_id,
        needs.need,
        bool_or(raw_tables.has_rows) as is_answered,
        {{ text_list('needs.raw_table', ' or ') }} as tables
    from needs
    inner join raw_tables on needs.raw_table = raw_tables.raw_table
    group by needs.kpi_id, needs.need
)

select
    kpi_id,
    bool_and(is_answered) as is_attainable,
    {{ text_list('case when not is_answered then tables end', ', ') }} as missing_tables
from answered_needs
group by kpi_id
