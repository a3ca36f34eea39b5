{#-
    Medians and percentiles do not add up over days, and by value, day and dimension there is more to keep than in the
    fact itself. So days and weeks come straight from the facts, wider periods from how often each value occurs in a month.
-#}

{#- Two rows of a day or a week seldom have the same value. -#}
{% macro is_counted_by_value(grain) -%}
    {{ return(grain not in ('day', 'week')) }}
{%- endmacro %}

{#- The dimensions, overall among them, by which an entry has cells of a grain. -#}
{% macro cell_dimensions(entry, grain) %}
    {%- set found = [] -%}
    {%- for dimension in (['overall'] if entry.overall else []) + entry.by -%}
        {%- set finest = part_grain(entry, dimension) -%}
        {%- if grain == 'all' or finest == 'day' or (finest == 'month' and grain not in ('day', 'week')) -%}
            {%- do found.append(dimension) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#-
    One row per row of the fact and cell of a grain in which it lies; `key` is that of the model that reads it. A dimension
    is numbered by its place in the entry, overall is 0: a number is sorted faster than a name.
-#}
{% macro cell_values(entry, grain, key) %}
    {%- for dimension in cell_dimensions(entry, grain) %}
    {{ 'union all' if not loop.first }}
    select
        {{ period_start(entry.date, grain) }} as period_start,
        {{ 0 if dimension == 'overall' else entry.by.index(dimension) + 1 }} as dimension_number,
        {{ "'overall'" if dimension == 'overall' else dimension_member(dimension) }} as dimension_value,
        cast({{ entry.measure }} as double) as measure
    from {{ touched(entry.fact, key) }}
    where {{ entry.date }} is not null and {{ entry.measure }} is not null
    {%- endfor %}
{% endmacro %}

{#- The period of an entry's cell, as the key by which cells are kept. -#}
{% macro cell_period(kpi_id, grain, start) %}
    {{ return([kpi_id, "'" ~ grain ~ "'", start]) }}
{% endmacro %}

{#- How often each value occurs in an entry's cells of a grain, from the counts by month. -#}
{% macro cell_value_counts(entry, grain) %}
    {%- set start = period_start('part_date', grain) %}
    select
        {{ start }} as period_start,
        dimension_number,
        dimension_value,
        measure,
        {{ 'value_count' if grain == 'month' else 'sum(value_count) as value_count' }}
    from {{ touched('kpi_value_counts', cell_period('kpi_id', grain, start)) }}
    where kpi_id = '{{ entry.kpi_id }}'
    {%- if grain != 'month' %}
    group by {{ start ~ ', ' if grain != 'all' }}dimension_number, dimension_value, measure
    {%- endif %}
{% endmacro %}

{#- The values of an entry's cells in ascending order, each with the rank of its last row, and the cell's number of rows. -#}
{% macro ranked_values(entry) %}
    {%- for grain in period_grains() if cell_dimensions(entry, grain) %}
    {{ 'union all' if not loop.first }}
    select
        '{{ entry.kpi_id }}' as kpi_id,
        '{{ entry.kind }}' as kind,
        {{ 0.75 if entry.kind == 'p75' else 0.5 }}e0 as quantile,
        '{{ grain }}' as period_grain,
        period_start,
        case dimension_number
            {%- for dimension in entry.by %}
            when {{ loop.index }} then '{{ dimension }}'
            {%- endfor %}
            else 'overall'
        end as dimension_name,
        dimension_value,
        measure,
        {%- if is_counted_by_value(grain) %}
        value_count,
        sum(value_count) over (
            partition by period_start, dimension_number, dimension_value order by measure
            rows between unbounded preceding and current row
        ) as last_rank,
        sum(value_count) over (partition by period_start, dimension_number, dimension_value) as row_count
    from ({{ cell_value_counts(entry, grain) }}) as {{ entry.kpi_id }}_counts
        {%- else %}
        1 as value_count,
        row_number() over (
            partition by period_start, dimension_number, dimension_value order by measure
        ) as last_rank,
        count(*) over (partition by period_start, dimension_number, dimension_value) as row_count
    from ({{ cell_values(
        entry, grain, cell_period("'" ~ entry.kpi_id ~ "'", grain, period_start(entry.date, grain))
    ) }}) as {{ entry.kpi_id }}_values
        {%- endif %}
    {%- endfor %}
{% endmacro %}
