-- grain: one row per KPI, period, dimension and member of customer retention and churn
{%- set dimensions = kpi_dictionary()['customer_retention_rate'].by %}
with

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

spans as (
    select
        active_spans.customer_id,
        active_spans.active_from,
        active_spans.active_until,
        -- The first and the last midnight at which the customer is active.
        {{ reporting_date('active_spans.active_from') }} + 1 as first_boundary,
        {{ reporting_date('active_spans.active_until') }} as last_boundary,
        customers.segment,
        customers.country,
        customers.acquisition_channel,
        substr(cast(first_orders.first_ordered_date as {{ dbt.type_string() }}), 1, 7) as first_order_cohort
    from {{ ref('int_customers__active_spans') }} as active_spans
    left join {{ ref('dim_customers') }} as customers on active_spans.customer_id = customers.customer_id
    left join {{ ref('fct_ordering_customers') }} as first_orders
        on active_spans.customer_id = first_orders.customer_id
),

changes as (
    select
        first_boundary as moved_date,
        1 as delta,
        {{ dimensions | join(', ') }}
    from spans
    where first_boundary <= last_boundary

    union all

    select
        last_boundary + 1 as moved_date,
        -1 as delta,
        {{ dimensions | join(', ') }}
    from spans
    where first_boundary <= last_boundary
),

{{ daily_stock_ctes('changes', dimensions) }},  -- noqa: PRS

-- Boundaries of a grain are the first days of its periods.
periods as (
    {%- for grain in period_grains() if grain != 'all' %}
    select
        '{{ grain }}' as period_grain,
        date_day as period_start,
        {{ next_period_start('date_day', grain) }} as next_start
    from days
    cross join run
    where
        date_day = {{ period_start('date_day', grain) }}
        and {{ first_instant(next_period_start('date_day', grain)) }} <= run.as_of
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- A customer is lost in the period in which a span ends, unless another span holds at the period's end.
lost_customers as (
    select
        periods.period_grain,
        periods.period_start,
        spans.*
    from spans
    inner join periods
        on spans.last_boundary >= periods.period_start
        and spans.last_boundary < periods.next_start
        and spans.first_boundary <= periods.period_start
    where not exists (
        select 1 from spans as later_spans
        where
            spans.customer_id = later_spans.customer_id
            and later_spans.first_boundary <= periods.next_start
            and later_spans.last_boundary >= periods.next_start
    )
),

lost_by_dimension as (
    select
        period_grain,
        period_start,
        {{ rolled_up_dimension(dimensions) }},
        count(*) as lost_count
    from (
        select
            period_grain,
            period_start
            {%- for dimension in dimensions %},
            {{ dimension_member(dimension) }} as dimension_{{ loop.index }}
            {%- endfor %}
        from lost_customers
    )
    group by grouping sets (  -- noqa: PRS
        (period_grain, period_start)
        {%- for dimension in dimensions %}, (period_grain, period_start, dimension_{{ loop.index }}){% endfor %}
    )
),

counted_periods as (
    select
        periods.period_grain,
        periods.period_start,
        daily_stocks.dimension_name,
        daily_stocks.dimension_value,
        cast(daily_stocks.stock as double) as opening_count,
        cast(coalesce(lost_by_dimension.lost_count, 0) as double) as lost_count
    from periods
    inner join daily_stocks on periods.period_start = daily_stocks.date_day
    left join lost_by_dimension
        on periods.period_grain = lost_by_dimension.period_grain
        and periods.period_start = lost_by_dimension.period_start
        and daily_stocks.dimension_name = lost_by_dimension.dimension_name
        and daily_stocks.dimension_value = lost_by_dimension.dimension_value
    where daily_stocks.stock > 0
),

cells as (
    select
        'customer_retention_rate' as kpi_id,
        *,
        opening_count - lost_count as numerator
    from counted_periods

    union all

    select
        'churn_rate' as kpi_id,
        *,
        lost_count as numerator
    from counted_periods
),

share_cells as (
    select
        kpi_id,
        'share' as kind,
        1e0 as scale,
        period_grain,
        period_start,
        dimension_name,
        dimension_value,
        numerator,
        opening_count as denominator,
        cast(opening_count as bigint) as sample_size,
        cast(null as double) as standard_error
    from cells
)

{{ measured_cells('share_cells') }}
