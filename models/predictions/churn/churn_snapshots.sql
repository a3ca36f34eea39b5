-- grain: one row per snapshot_at: a moment at which churn is looked at, as_of and those before it with a known outcome
with

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

moments as (
    select
        as_of as snapshot_at,
        as_of
    from run
    {%- for step in range(churn_past_moments()) %}
    union all
    select
        as_of - {{ var('churn_horizon_days') + step * churn_step_days() }} * interval '1' day as snapshot_at,
        as_of
    from run
    {%- endfor %}
)

select
    snapshot_at,
    {{ reporting_date('snapshot_at') }} as snapshot_date,
    snapshot_at + {{ var('churn_horizon_days') }} * interval '1' day as horizon_ends_at,
    cast({{ var('churn_horizon_days') }} as bigint) as horizon_days,
    snapshot_at = as_of as is_current
from moments
