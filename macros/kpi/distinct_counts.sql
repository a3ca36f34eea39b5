{#-
    How many different `counted` lie in each period, per dimension and member. Distinct counts of periods do not add
    up, so every grain is counted from the rows. `rows` is a relation with a date column and the dimensions' columns.
-#}
{% macro distinct_counts(rows, date, counted, dimensions) %}
select
    period_grain,
    period_start,
    dimension_name,
    dimension_value,
    distinct_count
from (
    select
        period_grain,
        period_start,
        {{ rolled_up_dimension(dimensions) }},
        count(distinct {{ counted }}) as distinct_count
    from (
        {%- for grain in period_grains() %}
        select
            '{{ grain }}' as period_grain,
            {{ period_start(date, grain) }} as period_start,
            {%- for dimension in dimensions %}
            {{ dimension_member(dimension) }} as dimension_{{ loop.index }},
            {%- endfor %}
            {{ counted }}
        from {{ rows }}
        where {{ date }} is not null
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    )
    group by grouping sets (
        (period_grain, period_start)
        {%- for dimension in dimensions %}, (period_grain, period_start, dimension_{{ loop.index }}){% endfor %}
    )
)
{%- if of_many_members(dimensions) %}
where period_grain not in ('day', 'week') or dimension_name not in {{ sql_text_list(of_many_members(dimensions)) }}
{%- endif %}
{% endmacro %}
