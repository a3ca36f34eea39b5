{#-
    The CTEs `stock_periods` and `period_stocks`: what is there at the start (opening_<amount>) and at the end
    (closing_<amount>) of every period from a member's first move to as_of. A period that as_of cuts closes there.
    `moves` is a relation with moved_date, dimension_name, dimension_value and the amounts that moved.

    Moves are summed per period first, so the running sums are over periods, however many moves there are.
-#}
{% macro period_stock_ctes(moves, amounts, dimensions) %}
{%- set run = ref('stg_raw__as_of') %}
stock_days as (
    {{ days_between('(select min(moved_date) from ' ~ moves ~ ')', '(select as_of_date from ' ~ run ~ ')') }}
),

stock_periods as (
    {%- for grain in period_grains() %}
    select distinct
        '{{ grain }}' as period_grain,
        {{ period_start('stock_days.date_day', grain) }} as period_start,
        {% if grain == 'all' -%}
            run.as_of_date + 1 as next_start
        {%- else -%}
            {{ next_period_start(period_start('stock_days.date_day', grain), grain) }} as next_start
        {%- endif %}
    from stock_days
    cross join {{ run }} as run
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

period_moves as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('moved_date', grain) }} as period_start,
        dimension_name,
        dimension_value,
        {%- for amount in amounts %}
        sum({{ amount }}) as {{ amount }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ moves }}
    {%- if grain in ('day', 'week') and of_many_members(dimensions) %}
    where dimension_name not in {{ sql_text_list(of_many_members(dimensions)) }}
    {%- endif %}
    group by {{ period_start('moved_date', grain) ~ ', ' if grain != 'all' }}dimension_name, dimension_value
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

first_periods as (
    select
        period_grain,
        dimension_name,
        dimension_value,
        min(period_start) as first_start
    from period_moves
    group by period_grain, dimension_name, dimension_value
),

known_moves as (
    select
        first_periods.period_grain,
        stock_periods.period_start,
        stock_periods.next_start,
        first_periods.dimension_name,
        first_periods.dimension_value,
        {%- for amount in amounts %}
        coalesce(period_moves.{{ amount }}, 0) as {{ amount }}{{ ',' if not loop.last }}
        {%- endfor %}
    from first_periods
    inner join stock_periods
        on first_periods.period_grain = stock_periods.period_grain
        and first_periods.first_start <= stock_periods.period_start
    left join period_moves
        on first_periods.period_grain = period_moves.period_grain
        and stock_periods.period_start = period_moves.period_start
        and first_periods.dimension_name = period_moves.dimension_name
        and first_periods.dimension_value = period_moves.dimension_value
),

period_stocks as (
    select
        period_grain,
        period_start,
        next_start,
        dimension_name,
        dimension_value,
        {%- for amount in amounts %}
        sum({{ amount }}) over member_history - {{ amount }} as opening_{{ amount }},
        sum({{ amount }}) over member_history as closing_{{ amount }}{{ ',' if not loop.last }}
        {%- endfor %}
    from known_moves
    window member_history as (
        partition by period_grain, dimension_name, dimension_value order by period_start
        rows between unbounded preceding and current row
    )
)
{% endmacro %}
