{{ config(unique_key='return_id') }}
-- grain: one row per return_id
{% call touched_when('fct_orders') -%}
    select return_id from {{ ref('stg_raw__returns') }}
    where order_id in (select order_id from {{ changes('fct_orders') }})
{%- endcall %}
{% call touched_when('int_money__rates') -%}
    select returns.return_id
    from {{ this }} as returns
    inner join {{ ref('fct_orders') }} as orders on returns.order_id = orders.order_id
    inner join {{ changes('int_money__rates') }} as rates
        on orders.currency = rates.currency
            and returns.returned_date >= rates.valid_from
            and returns.returned_date < rates.valid_until
{%- endcall %}
with

returns as (
    select
        *,
        {{ reporting_date('returned_at') }} as returned_date
    from {{ touched('stg_raw__returns') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

rates as (
    select * from {{ ref('int_money__rates') }}
),

run as (
    select * from {{ ref('int_money__reporting_currency') }}
),

priced_returns as (
    select
        returns.return_id,
        returns.order_id,
        orders.customer_id,
        returns.product_id,
        returns.returned_at,
        returns.returned_date,
        returns.requested_at,
        returns.resolved_at,
        {{ reporting_date('returns.resolved_at') }} as resolved_date,
        returns.reason,
        returns.resolution,
        returns.quantity,
        orders.channel,
        orders.country,
        orders.segment,
        -- A refund is dated on the day of the return. It takes nothing off an order that is in no revenue itself.
        case when orders.order_id is null or orders.revenue_amount is not null then
            {{ in_reporting_currency('returns.refund_amount', 'orders.currency', 'rates.rate',
                                     'run.reporting_currency') }}
        end as refund_amount,
        {{ days_elapsed('coalesce(returns.requested_at, returns.returned_at)', 'returns.resolved_at') }}
            as resolution_days
    from returns
    cross join run
    left join orders on returns.order_id = orders.order_id
    {{ join_rate('rates', 'orders.currency', 'returns.returned_date') }}
)

select
    *,
    -refund_amount as revenue_amount
from priced_returns
