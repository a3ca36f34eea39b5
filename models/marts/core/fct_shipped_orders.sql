{{ config(unique_key='order_id') }}
-- grain: one row per order_id of which something was shipped
{% call touched_when('stg_raw__as_of') -%}
    select order_id from {{ this }}
    where last_delivered_at is null
{%- endcall %}
with

shipments as (
    select * from {{ touched('fct_shipments') }}
),

orders as (
    select * from {{ touched('fct_orders') }}
    where is_order
),

contacts as (
    select * from {{ touched('int_contacts__contacts') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

ranked_shipments as (
    select
        order_id,
        carrier,
        min(shipped_at) over (partition by order_id) as first_shipped_at,
        max(delivered_at) over (partition by order_id) as last_delivered_at,
        row_number() over (
            partition by order_id order by shipped_at nulls last, shipment_id
        ) as shipment_number
    from shipments
),

shipped_orders as (
    select
        ranked_shipments.order_id,
        ranked_shipments.carrier,
        orders.customer_id,
        orders.channel,
        orders.country,
        ranked_shipments.first_shipped_at,
        ranked_shipments.last_delivered_at,
        coalesce(ranked_shipments.last_delivered_at, run.as_of) as waited_until
    from ranked_shipments
    inner join orders on ranked_shipments.order_id = orders.order_id
    cross join run
    where ranked_shipments.shipment_number = 1 and ranked_shipments.first_shipped_at is not null
),

counted_contacts as (
    select
        shipped_orders.order_id,
        count(*) as contact_count
    from shipped_orders
    inner join contacts
        on shipped_orders.order_id = contacts.order_id
            and contacts.started_at >= shipped_orders.first_shipped_at
            and contacts.started_at <= shipped_orders.waited_until
    group by shipped_orders.order_id
)

select
    shipped_orders.order_id,
    shipped_orders.customer_id,
    shipped_orders.carrier,
    shipped_orders.channel,
    shipped_orders.country,
    shipped_orders.first_shipped_at,
    {{ reporting_date('shipped_orders.first_shipped_at') }} as shipped_date,
    shipped_orders.last_delivered_at,
    true as is_shipped,
    coalesce(counted_contacts.contact_count, 0) as contact_count
from shipped_orders
left join counted_contacts on shipped_orders.order_id = counted_contacts.order_id
