{#-
    A cell is one KPI value: kpi_id, kind, period_grain, period_start, dimension_name, dimension_value, value, numerator,
    denominator, sample_size, ci_low, ci_high, standard_error. Every model that computes values has these columns, and
    kpi_values puts them below one another.
-#}

{#- Parts of the finest grain rolled up to every grain: a cell's sums, whatever the kind. `keys` say whose they are. -#}
{% macro all_grains(parts, sums, keys) %}
    {%- for grain in period_grains() %}
    {{ 'union all' if not loop.first }}
    select
        {% for key in keys %}{{ key }}, {% endfor -%}
        '{{ grain }}' as period_grain,
        {{ period_start('part_date', grain) }} as period_start,
        {{ sums | join(',\n        ') }}
    from {{ parts }}
    {#- Months lie in no week and are no days; what is of all time lies in no period. #}
    {{ "where part_grain = 'day'" if grain in ('day', 'week') else "where part_grain <> 'all'" if grain != 'all' }}
    group by {{ keys | join(', ') }}{{ ', ' ~ period_start('part_date', grain) if grain != 'all' }}
    {%- endfor %}
{% endmacro %}

{#- Value, interval and standard error of a cell from its sums, by kind. -#}
{% macro cell_statistics() %}
    case kind
        when 'nps' then 100 * numerator / denominator
        when 'count' then numerator
        when 'sum' then numerator
        else scale * numerator / denominator
    end as value,
    case
        when kind = 'share' then {{ wilson('numerator', 'denominator', '-') }}
        when kind = 'nps' and standard_error is not null
            then greatest(100 * numerator / denominator - {{ normal_critical() }} * standard_error, -100)
        when kind = 'mean'
            then numerator / denominator - {{ t_critical('(sample_size - 1)') }} * standard_error
    end as ci_low,
    case
        when kind = 'share' then {{ wilson('numerator', 'denominator', '+') }}
        when kind = 'nps' and standard_error is not null
            then least(100 * numerator / denominator + {{ normal_critical() }} * standard_error, 100)
        when kind = 'mean'
            then numerator / denominator + {{ t_critical('(sample_size - 1)') }} * standard_error
    end as ci_high
{% endmacro %}

{#-
    The CTEs `days` and `daily_stocks`: what is there at the end of each day up to as_of, per dimension and member.
    `changes` is a relation with moved_date, delta and the dimensions' columns.
-#}
{% macro daily_stock_ctes(changes, dimensions) %}
moves as (
    select
        moved_date,
        {{ rolled_up_dimension(dimensions) }},
        sum(delta) as delta
    from (
        select
            moved_date,
            {%- for dimension in dimensions %}
            {{ dimension_member(dimension) }} as dimension_{{ loop.index }},
            {%- endfor %}
            delta
        from {{ changes }}
    )
    group by grouping sets (
        (moved_date){% for dimension in dimensions %}, (moved_date, dimension_{{ loop.index }}){% endfor %}
    )
),

members as (
    select
        dimension_name,
        dimension_value,
        min(moved_date) as first_day
    from moves
    group by dimension_name, dimension_value
),

days as (
    {{ days_between(
        '(select min(moved_date) from moves)', '(select as_of_date from ' ~ ref('stg_raw__as_of') ~ ')'
    ) }}
),

daily_stocks as (
    select
        days.date_day,
        members.dimension_name,
        members.dimension_value,
        cast(sum(coalesce(moves.delta, 0)) over (
            partition by members.dimension_name, members.dimension_value order by days.date_day
            rows between unbounded preceding and current row
        ) as bigint) as stock
    from members
    inner join days on members.first_day <= days.date_day
    left join moves
        on members.dimension_name = moves.dimension_name
        and members.dimension_value = moves.dimension_value
        and days.date_day = moves.moved_date
)
{% endmacro %}

{#- Stock KPIs: what is there at each period's end. Like a count of 0, a stock of 0 has no row. -#}
{% macro stock_cells(kpi_id, changes, dimensions) %}
with

{{ daily_stock_ctes(changes, dimensions) }},

period_ends as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('date_day', grain) }} as period_start,
        max(date_day) as last_day
    from days
    {{ 'group by ' ~ period_start('date_day', grain) if grain != 'all' else 'having count(*) > 0' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    '{{ kpi_id }}' as kpi_id,
    'stock' as kind,
    period_ends.period_grain,
    period_ends.period_start,
    daily_stocks.dimension_name,
    daily_stocks.dimension_value,
    cast(daily_stocks.stock as double) as value,
    cast(null as double) as ci_low,
    cast(null as double) as ci_high,
    cast(daily_stocks.stock as double) as numerator,
    cast(null as double) as denominator,
    daily_stocks.stock as sample_size,
    cast(null as double) as standard_error
from period_ends
inner join daily_stocks on period_ends.last_day = daily_stocks.date_day
where daily_stocks.stock <> 0
{% endmacro %}

{#- The last step of a model of cells: `rows` has kind, scale, the cell's sums and its standard error. -#}
{% macro measured_cells(rows) -%}
select
    kpi_id,
    kind,
    period_grain,
    period_start,
    dimension_name,
    dimension_value,
    {{ cell_statistics() }},
    numerator,
    denominator,
    sample_size,
    standard_error
from {{ rows }}
{%- endmacro %}
