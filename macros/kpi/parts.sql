{#-
    Additive parts of every share, mean, nps, count, sum and ratio that a fact feeds: one row per KPI, day (month for
    dimensions of many members, one row for all time where there is no other period), dimension and member.

    The fact is read once per date column and group of dimensions, with one grouping set per dimension; the KPIs are
    columns of that pass. Sums are decimals, so they do not depend on the order in which rows are added.
-#}
{% macro kpi_parts(fact) %}
{%- do ref(fact) -%}  {#- also where no KPI is registered -#}
{%- set entries = kpi_entries(fact) | rejectattr('kind', 'in', ['median', 'p75']) | list -%}
{%- set passes = kpi_passes(entries) -%}
{%- if not passes -%}
    {{ no_parts() }}
{%- else -%}
with
{% for pass in passes %}
cells_{{ loop.index }} as (
    select
        kpi_date,
        {{ rolled_up_dimension(pass.dimensions) }},
        {%- for entry in pass.entries %}
        {{ part_sums(entry) }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            *,
            {{ period_start(pass.date, pass.grain) }} as kpi_date
            {%- for dimension in pass.dimensions %},
            {{ dimension_member(dimension) }} as dimension_{{ loop.index }}
            {%- endfor %}
        from {{ touched(fact, ["'" ~ pass.grain ~ "'", period_start(pass.date, pass.grain)]) }}
        where {{ pass.date }} is not null
    )
    group by grouping sets (
        {%- if pass.has_overall %}
        (kpi_date){{ ',' if pass.dimensions }}
        {%- endif %}
        {%- for dimension in pass.dimensions %}
        (kpi_date, dimension_{{ loop.index }}){{ ',' if not loop.last }}
        {%- endfor %}
    )
){{ ',' if not loop.last }}
{% endfor %}
{%- set ns = namespace(is_first=true) %}
{%- for pass in passes %}
{%- set cells = 'cells_' ~ loop.index %}
{%- for entry in pass.entries %}
{{ 'union all' if not ns.is_first }}
{%- set ns.is_first = false %}
select
    '{{ entry.kpi_id }}' as kpi_id,
    '{{ pass.grain }}' as part_grain,
    kpi_date as part_date,
    dimension_name,
    dimension_value,
    cast({{ entry.kpi_id }}_numerator as decimal(38, 12)) as numerator,
    cast({{ entry.kpi_id }}_denominator as decimal(38, 12)) as denominator,
    cast({{ entry.kpi_id }}_sample_size as bigint) as sample_size,
    cast({{ entry.kpi_id }}_sum_of_squares as decimal(38, 12)) as sum_of_squares
from {{ cells }}
where
    {#- A part of a ratio may be its numerator alone; everything else without a row in it is not known. -#}
    {%- if entry.kind == 'ratio' %}
    coalesce({{ entry.kpi_id }}_numerator, {{ entry.kpi_id }}_denominator) is not null
    {%- else %}
    {{ entry.kpi_id }}_sample_size > 0
    {%- endif %}
    and dimension_name in {{ sql_text_list((['overall'] if entry.overall and pass.has_overall else []) + (pass.dimensions | select('in', entry.by) | list)) }}
{%- endfor %}
{%- endfor %}
{%- endif -%}
{% endmacro %}

{#- One pass over the fact per date column and base grain; entries of a pass share its grouping sets. -#}
{% macro kpi_passes(entries) %}
    {%- set passes = [] -%}
    {%- for date in entries | map(attribute='date') | unique -%}
        {%- for grain in ['day', 'month', 'all'] -%}
            {%- set members = [] -%}
            {%- set dimensions = [] -%}
            {%- set ns = namespace(has_overall=false) -%}
            {%- for entry in entries if entry.date == date -%}
                {%- set mine = [] -%}
                {%- for dimension in entry.by if part_grain(entry, dimension) == grain -%}
                    {%- do mine.append(dimension) -%}
                {%- endfor -%}
                {%- set overall = entry.overall and grain == entry.finest -%}
                {%- if mine or overall -%}
                    {%- do members.append(entry) -%}
                    {%- if overall -%}{%- set ns.has_overall = true -%}{%- endif -%}
                    {%- for dimension in mine if dimension not in dimensions -%}
                        {%- do dimensions.append(dimension) -%}
                    {%- endfor -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if members -%}
                {%- do passes.append({
                    'date': date, 'grain': grain, 'entries': members, 'dimensions': dimensions,
                    'has_overall': ns.has_overall,
                }) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(passes) }}
{% endmacro %}

{#- The grain at which an entry's parts by a dimension are kept. -#}
{% macro part_grain(entry, dimension) -%}
    {{ return('month' if entry.finest == 'day' and has_many_members(dimension) else entry.finest) }}
{%- endmacro %}

{#- Which dimension a grouping set is of, and its member. Members are never null, so a null was rolled up. -#}
{% macro rolled_up_dimension(dimensions) -%}
    {%- if not dimensions -%}
        'overall' as dimension_name,
        'overall' as dimension_value
    {%- else -%}
        case
            {%- for dimension in dimensions %}
            when dimension_{{ loop.index }} is not null then '{{ dimension }}'
            {%- endfor %}
            else 'overall'
        end as dimension_name,
        coalesce({% for dimension in dimensions %}dimension_{{ loop.index }}, {% endfor %}'overall') as dimension_value
    {%- endif -%}
{%- endmacro %}

{#- The four sums of one KPI in one cell, by its kind. -#}
{% macro part_sums(entry) -%}
    {%- set id = entry.kpi_id -%}
    {%- set measure = entry.measure -%}
    {%- set exact = 'decimal(38, 12)' -%}
    {%- if entry.kind == 'share' and measure -%}
        count(case when {{ measure }} then 1 end) as {{ id }}_numerator,
        count({{ measure }}) as {{ id }}_denominator,
        count({{ measure }}) as {{ id }}_sample_size,
        null as {{ id }}_sum_of_squares
    {%- elif entry.kind == 'nps' -%}
        sum({{ measure }}) as {{ id }}_numerator,
        count({{ measure }}) as {{ id }}_denominator,
        count({{ measure }}) as {{ id }}_sample_size,
        sum({{ measure }} * {{ measure }}) as {{ id }}_sum_of_squares
    {%- elif entry.kind == 'mean' -%}
        sum(cast({{ measure }} as {{ exact }})) as {{ id }}_numerator,
        count({{ measure }}) as {{ id }}_denominator,
        count({{ measure }}) as {{ id }}_sample_size,
        sum(cast(cast({{ measure }} as double) * cast({{ measure }} as double) as {{ exact }})) as {{ id }}_sum_of_squares
    {%- elif entry.kind == 'count' -%}
        sum(cast({{ measure }} as bigint)) as {{ id }}_numerator,
        null as {{ id }}_denominator,
        sum(cast({{ measure }} as bigint)) as {{ id }}_sample_size,
        null as {{ id }}_sum_of_squares
    {%- elif entry.kind == 'sum' -%}
        sum(cast({{ measure }} as {{ exact }})) as {{ id }}_numerator,
        null as {{ id }}_denominator,
        count({{ measure }}) as {{ id }}_sample_size,
        null as {{ id }}_sum_of_squares
    {%- else -%}
        {{ ratio_part(entry.numerator, exact) }} as {{ id }}_numerator,
        {{ ratio_part(entry.denominator, exact) }} as {{ id }}_denominator,
        {{ 'sum(' ~ entry.denominator ~ ')' if entry.kind == 'share' else 'count(' ~ (entry.denominator or 'null') ~ ')' }} as {{ id }}_sample_size,
        null as {{ id }}_sum_of_squares
    {%- endif -%}
{%- endmacro %}

{% macro ratio_part(column, type) -%}
    {%- if column -%} sum(cast(cast({{ column }} as double) as {{ type }})) {%- else -%} null {%- endif -%}
{%- endmacro %}

{% macro no_parts() %}
select
    cast(null as {{ dbt.type_string() }}) as kpi_id,
    cast(null as {{ dbt.type_string() }}) as part_grain,
    cast(null as date) as part_date,
    cast(null as {{ dbt.type_string() }}) as dimension_name,
    cast(null as {{ dbt.type_string() }}) as dimension_value,
    cast(null as decimal(38, 12)) as numerator,
    cast(null as decimal(38, 12)) as denominator,
    cast(null as bigint) as sample_size,
    cast(null as decimal(38, 12)) as sum_of_squares
where false
{% endmacro %}
