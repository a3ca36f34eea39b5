{#-
    Medians and percentiles do not add up over days, and by value, day and dimension there is more to keep than in the
    fact itself. So days and weeks come straight from the facts, wider periods from how often each value occurs in a month.
-#}

{#- The grains whose cells rank the fact's rows: two rows of a day or a week seldom have the same value. -#}
{% macro row_grains() -%}
    {{ return(period_grains() | select('in', ['day', 'week']) | list) }}
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

{#- A dimension is numbered by its place in the entry, overall is 0: a number is sorted faster than a name. -#}
{% macro dimension_number(entry, dimension) -%}
    {{ 0 if dimension == 'overall' else entry.by.index(dimension) + 1 }}
{%- endmacro %}

{#-
    One row per row of the fact and cell of a grain in which it lies; `key` is that of the model that reads it. The fact is
    read once for all dimensions: a run that works on few keys looks for their rows each time.
-#}
{% macro cell_values(entry, grain, key) %}
    {%- set dimensions = cell_dimensions(entry, grain) %}
    select
        '{{ entry.kpi_id }}' as kpi_id,
        '{{ grain }}' as period_grain,
        {{ period_start(entry.date, grain) }} as period_start,
        places.dimension_number,
        case places.dimension_number
            {%- for dimension in dimensions %}
            when {{ dimension_number(entry, dimension) }} then {{
                "'overall'" if dimension == 'overall' else dimension_member(dimension)
            }}
            {%- endfor %}
        end as dimension_value,
        cast({{ entry.measure }} as double) as measure
    from {{ touched(entry.fact, key) }}
    cross join (
        {%- for dimension in dimensions %}
        {{ 'union all ' if not loop.first }}select {{ dimension_number(entry, dimension) }} as dimension_number
        {%- endfor %}
    ) as places
    where {{ entry.date }} is not null and {{ entry.measure }} is not null
{% endmacro %}

{#- The rows of days and weeks, each in every cell in which it lies. -#}
{% macro row_values(entries) %}
    {%- set found = [] -%}
    {%- for entry in entries -%}
        {%- for grain in row_grains() if cell_dimensions(entry, grain) -%}
            {%- set key = ["'" ~ entry.kpi_id ~ "'", "'" ~ grain ~ "'", period_start(entry.date, grain)] -%}
            {%- do found.append(cell_values(entry, grain, key)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found | join('union all')) }}
{% endmacro %}

{#-
    How often a value occurs in the cells of wider periods; a value that comes in two months of it has two rows. Doubles hold
    counts exactly, and are added up row by row in two thirds of the time.
-#}
{% macro counted_values() %}
    {%- for grain in period_grains() if grain not in row_grains() %}
    {{ 'union all' if not loop.first }}
    select
        kpi_id,
        '{{ grain }}' as period_grain,
        {{ period_start('part_date', grain) }} as period_start,
        dimension_number,
        dimension_value,
        measure,
        cast(value_count as double) as value_count
    from {{ touched('kpi_value_counts', ['kpi_id', "'" ~ grain ~ "'", period_start('part_date', grain)]) }}
    {%- endfor %}
{% endmacro %}
