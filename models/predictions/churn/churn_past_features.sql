-- grain: one row per sampled active customer_id and past snapshot_at
with

features as (
    select * from {{ ref('churn_features') }}
    where not is_current
)

select
    customer_id,
    snapshot_at,
    snapshot_date,
    is_subscribed,
    is_churned,
    frequency,
    recency_days,
    age_days,
    subscribed_days,
    mrr_amount,
    days_since_order,
    usual_gap_days,
    silence_ratio,
    recent_order_count,
    mean_order_amount,
    contact_count,
    longest_wait_minutes,
    long_wait_count,
    abandoned_count,
    mean_ces,
    mean_csat,
    mean_nps,
    late_since_order_count,
    mean_delivery_days,
    return_count,
    session_count,
    support_session_count,
    days_since_session,
    earned_points,
    redemption_count,
    pause_count
from features
