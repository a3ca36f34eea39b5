{{ config(unique_key='order_id') }}
-- grain: one row per order_id, cancelled ones included and flagged
{% call touched_when('int_identity__links') -%}
    select order_id from {{ ref('stg_raw__orders') }}
    where visitor_id in (select identity_value from {{ changes('int_identity__links') }})
{%- endcall %}
{% call touched_when('stg_raw__erased_identities') -%}
    select order_id from {{ ref('stg_raw__orders') }}
    where visitor_id in (select identity_value from {{ changes('stg_raw__erased_identities') }})
{%- endcall %}
{% call touched_when('dim_customers') -%}
    select order_id from {{ this }}
    where customer_id in (select customer_id from {{ changes('dim_customers') }})
{%- endcall %}
{% call touched_when('int_money__rates') -%}
    select orders.order_id
    from {{ this }} as orders
    inner join {{ changes('int_money__rates') }} as rates
        on orders.currency = rates.currency
            and orders.ordered_date >= rates.valid_from
            and orders.ordered_date < rates.valid_until
{%- endcall %}
{% call touched_when('stg_raw__as_of') -%}
    select order_id from {{ this }}
    where
        ordered_at + {{ return_window_days() }} * interval '1' day
        > (select min(as_of) from {{ changes('stg_raw__as_of') }})
{%- endcall %}
with

orders as (
    select
        *,
        {{ reporting_date('ordered_at') }} as ordered_date
    from {{ touched('stg_raw__orders') }}
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

first_orders as (
    select * from {{ touched('int_orders__first_orders') }}
),

returned_orders as (
    select
        order_id,
        bool_or(is_defective) as is_defective
    from {{ touched('int_orders__returned_products') }}
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
        {{ is_order('orders.status') }} as is_order,
        {{ is_sent_status('orders.status') }}
        and orders.ordered_at + {{ return_window_days() }} * interval '1' day <= run.as_of as is_return_known,
        case when {{ is_order('orders.status') }} then
            {{ in_reporting_currency('orders.gross_amount - coalesce(orders.discount_amount, 0)',
                                     'orders.currency', 'rates.rate', 'run.reporting_currency') }}
        end as revenue_amount,
        case when {{ is_order('orders.status') }} then
            {{ in_reporting_currency('orders.cost_amount', 'orders.currency', 'rates.rate',
                                     'run.reporting_currency') }}
        end as cost_amount
    from orders
    cross join run
    left join links on orders.visitor_id = links.identity_value
    left join erased_identities on orders.visitor_id = erased_identities.identity_value
    {{ join_rate('rates', 'orders.currency', 'orders.ordered_date') }}
)

select
    priced_orders.order_id,
    priced_orders.customer_id,
    priced_orders.person_id,
    priced_orders.ordered_at,
    priced_orders.ordered_date,
    priced_orders.channel,
    coalesce(priced_orders.country, customers.country) as country,
    customers.segment,
    priced_orders.status,
    priced_orders.agent_id,
    priced_orders.cart_id,
    priced_orders.currency,
    case
        when priced_orders.is_order and priced_orders.customer_id is not null
            then case when first_orders.order_id is not null then 'new' else 'repeat' end
    end as new_or_repeat,
    priced_orders.is_order,
    priced_orders.revenue_amount,
    priced_orders.cost_amount,

    -- KPI flags: null keeps a row out of the KPI
    case when priced_orders.is_order then true end as is_in_contact_rate,
    case when priced_orders.is_return_known then returned_orders.order_id is not null end as is_returned,
    case when priced_orders.is_return_known then coalesce(returned_orders.is_defective, false) end
        as is_returned_defective
from priced_orders
left join customers on priced_orders.customer_id = customers.customer_id
left join returned_orders on priced_orders.order_id = returned_orders.order_id
left join first_orders on priced_orders.order_id = first_orders.order_id
