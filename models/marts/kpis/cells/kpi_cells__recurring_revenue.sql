-- grain: one row per KPI, period, dimension and member of recurring revenue kept and lost
with

movements as (
    select * from {{ ref('int_subscriptions__mrr_movements') }}
    where opening_mrr > 0
),

cells as (
    {%- for kpi_id, numerator in [
        ('revenue_churn_rate', 'churned_mrr'),
        ('net_revenue_retention',
         'opening_mrr + expansion_mrr + reactivation_mrr - contraction_mrr - churned_mrr'),
        ('gross_revenue_retention', 'opening_mrr - contraction_mrr - churned_mrr'),
    ] %}
    select
        '{{ kpi_id }}' as kpi_id,
        'ratio' as kind,
        1e0 as scale,
        period_grain,
        period_start,
        dimension_name,
        dimension_value,
        cast({{ numerator }} as double) as numerator,
        cast(opening_mrr as double) as denominator,
        opening_account_count as sample_size,
        cast(null as double) as standard_error
    from movements
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

{{ measured_cells('cells') }}
