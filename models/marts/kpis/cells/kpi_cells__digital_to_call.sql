-- grain: one row per period, dimension and member of digital_to_call_customers
{%- set dimensions = kpi_dictionary()['digital_to_call_customers'].by %}
with

calls as (
    select * from {{ ref('fct_calls') }}
    where is_after_digital
),

counts as (
    {{ distinct_counts('calls', 'started_date', 'customer_id', dimensions) }}  -- noqa: PRS
),

cells as (
    select
        *,
        'digital_to_call_customers' as kpi_id,
        'count' as kind,
        1e0 as scale,
        cast(distinct_count as double) as numerator,
        cast(null as double) as denominator,
        distinct_count as sample_size,
        cast(null as double) as standard_error
    from counts
)

{{ measured_cells('cells') }}
