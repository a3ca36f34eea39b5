-- grain: one row per order_id, cancelled ones included and flagged
with

orders as (
    select
        *,
        {{ reporting_date('ordered_at') }} as ordered_date
    from {{ ref('stg_raw__orders') }}
),

links as (
    select * from {{ ref('int_identity__links') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

erased_identities as (
    select * from {{ ref('stg_raw__erased_identities') }}
),

rates as (
    select * from {{ ref('int_money__rates') }}
),

run as (
    select
        currencies.reporting_currency,
        moments.as_of
    from {{ ref('int_money__reporting_currency') }} as currencies
    cross join {{ ref('stg_raw__as_of') }} as moments
),

returned_orders as (
    select
        order_id,
        bool_or(is_defective) as is_defective
    from {{ ref('int_orders__returned_products') }}
    group by order_id
),

priced_orders as (
    select
        orders.order_id,
        coalesce(orders.customer_id, links.customer_id) as customer_id,
        coalesce(
            orders.customer_id, links.customer_id,
            case when erased_identities.identity_value is null then md5(orders.visitor_id) end
        ) as person_id,
        orders.ordered_at,
        orders.ordered_date,
        orders.channel,
        orders.country,
        orders.status,
        orders.agent_id,
        orders.cart_id,
        coalesce(orders.currency, run.reporting_currency) as currency,
        coalesce(orders.status, 'unknown') <> 'cancelled' as is_order,
        {{ is_sent_status('orders.status') }}
        and orders.ordered_at + {{ return_window_days() }} * interval '1' day <= run.as_of as is_return_known,
        case when coalesce(orders.status, 'unknown') <> 'cancelled' then
            {{ in_reporting_currency('orders.gross_amount - coalesce(orders.discount_amount, 0)',
                                     'orders.currency', 'rates.rate', 'run.reporting_currency') }}
        end as revenue_amount,
        case when coalesce(orders.status, 'unknown') <> 'cancelled' then
            {{ in_reporting_currency('orders.cost_amount', 'orders.currency', 'rates.rate',
                                     'run.reporting_currency') }}
        end as cost_amount
    from orders
    cross join run
    left join links on orders.visitor_id = links.identity_value
    left join erased_identities on orders.visitor_id = erased_identities.identity_value
    {{ join_rate('rates', 'orders.currency', 'orders.ordered_date') }}
),

ranked_orders as (
    select
        *,
        row_number() over (
            partition by customer_id, is_order order by ordered_at, order_id
        ) as customer_order_number
    from priced_orders
)

select
    ranked_orders.order_id,
    ranked_orders.customer_id,
    ranked_orders.person_id,
    ranked_orders.ordered_at,
    ranked_orders.ordered_date,
    ranked_orders.channel,
    coalesce(ranked_orders.country, customers.country) as country,
    customers.segment,
    ranked_orders.status,
    ranked_orders.agent_id,
    ranked_orders.cart_id,
    ranked_orders.currency,
    case
        when ranked_orders.is_order and ranked_orders.customer_id is not null
            then case when ranked_orders.customer_order_number = 1 then 'new' else 'repeat' end
    end as new_or_repeat,
    ranked_orders.is_order,
    ranked_orders.revenue_amount,
    ranked_orders.cost_amount,

    -- KPI flags: null keeps a row out of the KPI
    case when ranked_orders.is_order then true end as is_in_contact_rate,
    case when ranked_orders.is_return_known then returned_orders.order_id is not null end as is_returned,
    case when ranked_orders.is_return_known then coalesce(returned_orders.is_defective, false) end
        as is_returned_defective
from ranked_orders
left join customers on ranked_orders.customer_id = customers.customer_id
left join returned_orders on ranked_orders.order_id = returned_orders.order_id
