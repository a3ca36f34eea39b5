{{ config(unique_key='shipment_id') }}
-- grain: one row per shipment_id
{% call touched_when('fct_orders') -%}
    select shipment_id from {{ ref('stg_raw__shipments') }}
    where order_id in (select order_id from {{ changes('fct_orders') }})
{%- endcall %}
{% call touched_when('stg_raw__as_of') -%}
    select shipment_id from {{ this }}
    where {{ first_instant('promised_date + 1') }} > (select min(as_of) from {{ changes('stg_raw__as_of') }})
{%- endcall %}
{%- set required_statuses = var('tracking_required_statuses') | unique | list %}
with

shipments as (
    select
        *,
        {{ reporting_date('promised_at') }} as promised_date
    from {{ touched('stg_raw__shipments') }}
),

shipment_events as (
    select * from {{ touched('stg_raw__shipment_events') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

followed_shipments as (
    select
        shipment_id,
        count(distinct case when status in {{ sql_text_list(required_statuses + ['']) }} then status end)
            as required_status_count,
        min(case when status = 'exception' and is_customer_notified then event_at end) as first_notice_at
    from shipment_events
    group by shipment_id
),

promised_shipments as (
    select
        *,
        {{ first_instant('promised_date + 1') }} as promise_ends_at
    from shipments
),

-- An open shipment is late once its promised day is over.
judged_shipments as (
    select
        promised_shipments.*,
        coalesce(promised_shipments.delivered_at, run.as_of) >= promised_shipments.promise_ends_at as is_late
    from promised_shipments
    cross join run
)

select
    judged_shipments.shipment_id,
    judged_shipments.order_id,
    orders.customer_id,
    judged_shipments.carrier,
    orders.channel,
    orders.country,
    judged_shipments.shipped_at,
    judged_shipments.promised_at,
    judged_shipments.promised_date,
    judged_shipments.delivered_at,
    {{ reporting_date('judged_shipments.delivered_at') }} as delivered_date,
    followed_shipments.first_notice_at,

    -- KPI flags and measures: null keeps a row out of the KPI
    case when orders.is_order then
            {{ days_elapsed('orders.ordered_at', 'judged_shipments.delivered_at') }}
    end as delivery_days,
    case when judged_shipments.delivered_at is not null then not judged_shipments.is_late end as is_on_time,
    case when judged_shipments.delivered_at is not null then
            coalesce(followed_shipments.required_status_count, 0) = {{ required_statuses | length }}
    end as is_tracking_visible,
    -- Nobody waits for a cancelled order, so nobody is to be told that it is late.
    case when judged_shipments.is_late and orders.is_order is not false then
            coalesce(followed_shipments.first_notice_at < judged_shipments.promise_ends_at, false)
    end as is_late_with_notice
from judged_shipments
left join followed_shipments on judged_shipments.shipment_id = followed_shipments.shipment_id
left join orders on judged_shipments.order_id = orders.order_id
