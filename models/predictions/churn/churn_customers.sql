-- grain: one row per customer_id and snapshot_at: orders and subscriptions as known then, and what became of them
with

snapshots as (
    select * from {{ ref('churn_snapshots') }}
),

order_events as (
    select
        *,
        {{ reporting_date('happened_at') }} as happened_date
    from {{ ref('churn_events') }}
    where kind = 'order'
),

mrr_states as (
    select * from {{ ref('int_subscriptions__mrr_states') }}
),

subscription_steps as (
    select
        events.subscription_id,
        events.event_id,
        events.customer_id,
        events.event_at,
        {{ is_running('events.event_type') }} as is_running,
        mrr_states.mrr_amount,
        lead(events.event_at) over subscription_history as next_event_at,
        -- Who comes back after a cancellation, or takes over another's subscription, begins anew; a pause is no end.
        coalesce(
            lag(events.event_type) over subscription_history = 'cancel'
            or lag(events.customer_id) over subscription_history is distinct from events.customer_id, true
        ) as is_beginning
    from {{ ref('stg_raw__subscription_events') }} as events
    inner join mrr_states on events.event_id = mrr_states.event_id
    window subscription_history as (
        partition by events.subscription_id order by events.event_at, events.event_id
    )
),

subscription_events as (
    select
        *,
        max(case when is_beginning then event_at end) over (
            partition by subscription_id order by event_at, event_id
            rows between unbounded preceding and current row
        ) as subscribed_at
    from subscription_steps
),

known_customers as (
    select
        customer_id,
        greatest(happened_at, coalesce(linked_at, happened_at)) as known_at
    from order_events

    union all

    select
        customer_id,
        event_at as known_at
    from subscription_events
    where customer_id is not null
),

first_known_customers as (
    select
        customer_id,
        min(known_at) as known_at
    from known_customers
    group by customer_id
),

past as (
    select max(snapshot_at) as latest_at from snapshots
    where not is_current
),

-- Samples depend on nothing but the ids. Whom nobody knew at any past moment takes nobody's place in the past.
numbered_customers as (
    select
        first_known_customers.*,
        row_number() over (order by md5(customer_id), customer_id) as sample_number,
        row_number() over (
            partition by first_known_customers.known_at <= past.latest_at order by md5(customer_id), customer_id
        ) as past_sample_number
    from first_known_customers
    cross join past
),

observed_customers as (
    select
        numbered_customers.customer_id,
        snapshots.snapshot_at,
        snapshots.snapshot_date,
        snapshots.horizon_ends_at,
        snapshots.is_current,
        case
            when snapshots.is_current then numbered_customers.sample_number
            else numbered_customers.past_sample_number
        end <= {{ churn_training_customers() }} as is_sampled
    from numbered_customers
    inner join snapshots on numbered_customers.known_at <= snapshots.snapshot_at
    where snapshots.is_current or numbered_customers.past_sample_number <= {{ churn_training_customers() }}
),

judged_orders as (
    select
        observed_customers.customer_id,
        observed_customers.snapshot_at,
        observed_customers.horizon_ends_at,
        order_events.happened_at,
        order_events.happened_date,
        {{ churn_known_before('order_events', 'observed_customers.snapshot_at') }} as is_known
    from observed_customers
    inner join order_events
        on observed_customers.customer_id = order_events.customer_id
            and order_events.happened_at < observed_customers.horizon_ends_at
),

order_histories as (
    select
        customer_id,
        snapshot_at,
        min(case when is_known then happened_date end) as first_ordered_date,
        max(case when is_known then happened_date end) as last_ordered_date,
        max(case when is_known then happened_at end) as last_ordered_at,
        count(distinct case when is_known then happened_date end) as order_day_count,
        bool_or(happened_at >= snapshot_at) as has_ordered_after
    from judged_orders
    group by customer_id, snapshot_at
),

subscription_histories as (
    select
        observed_customers.customer_id,
        observed_customers.snapshot_at,
        bool_or(
            subscription_events.event_at < observed_customers.snapshot_at
            and coalesce(subscription_events.next_event_at >= observed_customers.snapshot_at, true)
        ) as is_subscribed,
        bool_or(
            subscription_events.event_at < observed_customers.horizon_ends_at
            and coalesce(subscription_events.next_event_at >= observed_customers.horizon_ends_at, true)
        ) as is_subscribed_after,
        min(
            case
                when subscription_events.event_at < observed_customers.snapshot_at
                    and coalesce(subscription_events.next_event_at >= observed_customers.snapshot_at, true)
                    then subscription_events.subscribed_at
            end
        ) as subscribed_at,
        sum(
            case
                when subscription_events.event_at < observed_customers.snapshot_at
                    and coalesce(subscription_events.next_event_at >= observed_customers.snapshot_at, true)
                    then subscription_events.mrr_amount
            end
        ) as mrr_amount
    from observed_customers
    inner join subscription_events
        on observed_customers.customer_id = subscription_events.customer_id
            and subscription_events.is_running
    group by observed_customers.customer_id, observed_customers.snapshot_at
),

described_customers as (
    select
        observed_customers.customer_id,
        observed_customers.snapshot_at,
        observed_customers.snapshot_date,
        observed_customers.is_current,
        observed_customers.is_sampled,
        coalesce(subscription_histories.is_subscribed, false) as is_subscribed,
        order_histories.last_ordered_at,
        order_histories.order_day_count - 1 as frequency,
        {{ days_from('order_histories.first_ordered_date', 'order_histories.last_ordered_date') }} as recency_days,
        {{ days_from('order_histories.first_ordered_date', 'observed_customers.snapshot_date') }} as age_days,
        {{ days_elapsed('subscription_histories.subscribed_at', 'observed_customers.snapshot_at') }}
            as subscribed_days,
        cast(subscription_histories.mrr_amount as double) as mrr_amount,
        -- As `int_customers__active_spans` has it, of the orders known then.
        coalesce(subscription_histories.is_subscribed, false)
        or coalesce(
            order_histories.last_ordered_at
            >= observed_customers.snapshot_at - {{ var('activity_window_days') }} * interval '1' day, false
        ) as is_active,
        coalesce(order_histories.has_ordered_after, false) as has_ordered_after,
        coalesce(subscription_histories.is_subscribed_after, false) as is_subscribed_after
    from observed_customers
    left join order_histories
        on observed_customers.customer_id = order_histories.customer_id
            and observed_customers.snapshot_at = order_histories.snapshot_at
            and order_histories.order_day_count > 0
    left join subscription_histories
        on observed_customers.customer_id = subscription_histories.customer_id
            and observed_customers.snapshot_at = subscription_histories.snapshot_at
)

select
    customer_id,
    snapshot_at,
    snapshot_date,
    is_current,
    is_sampled,
    is_subscribed,
    last_ordered_at,
    frequency,
    recency_days,
    age_days,
    subscribed_days,
    mrr_amount,
    is_active,
    -- What came of it is not known yet at as_of.
    case
        when is_current then null
        when is_subscribed then not is_subscribed_after
        else not has_ordered_after
    end as is_churned
from described_customers
where is_subscribed or frequency is not null
