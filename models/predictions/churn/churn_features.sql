-- grain: one row per active customer_id and snapshot_at: what was known of the customer at that moment
{%- set features = churn_event_features() %}
{%- set kinds = features | map(attribute='kind') | list + features | selectattr('recorded', 'defined')
    | map(attribute='recorded') | list %}
with

customers as (
    select * from {{ ref('churn_customers') }}
    where is_active
),

events as (
    select * from {{ ref('churn_events') }}
),

-- Since when anybody keeps such records: before that, no event means nothing.
first_records as (
    select
        kind,
        min(happened_at) as recorded_from
    from events
    group by kind
),

recorded_kinds as (
    select
        {%- for kind in kinds | unique %}
        min(case when kind = '{{ kind }}' then recorded_from end) as {{ kind }}_from{{ ',' if not loop.last }}
        {%- endfor %}
    from first_records
),

counted_events as (
    select
        customers.customer_id,
        customers.snapshot_at,
        {%- for feature in features %}
        {{ churn_feature(feature) }} as {{ feature.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from customers
    inner join events
        on customers.customer_id = events.customer_id
            and {{ churn_known_before('events', 'customers.snapshot_at') }}
            and events.happened_at >= customers.snapshot_at - {{ churn_memory_days() }} * interval '1' day
    group by customers.customer_id, customers.snapshot_at
)

select
    customers.customer_id,
    customers.snapshot_at,
    customers.snapshot_date,
    customers.is_current,
    customers.is_sampled,
    customers.is_subscribed,
    customers.is_churned,
    customers.frequency,
    customers.recency_days,
    customers.age_days,
    customers.subscribed_days,
    customers.mrr_amount,
    customers.age_days - customers.recency_days as days_since_order,
    customers.recency_days / nullif(cast(customers.frequency as double), 0) as usual_gap_days,
    (customers.age_days - customers.recency_days) * cast(customers.frequency as double)
    / nullif(customers.recency_days, 0) as silence_ratio
    {%- for feature in features %},
    case when recorded_kinds.{{ feature.recorded | default(feature.kind) }}_from < customers.snapshot_at
            then {{ 'coalesce(counted_events.' ~ feature.name ~ ', 0)' if feature.how in ('count', 'sum')
                    else 'counted_events.' ~ feature.name }}
    end as {{ feature.name }}
    {%- endfor %}
from customers
cross join recorded_kinds
left join counted_events
    on customers.customer_id = counted_events.customer_id
        and customers.snapshot_at = counted_events.snapshot_at
