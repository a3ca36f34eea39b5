{#- Customers whose past is looked back at: with more of them the errors of past forecasts change by less than a hundredth
    of what a season does (docs/models/clv.md). -#}
{% macro clv_judged_customers() %}
    {{- return(50000) -}}
{% endmacro %}

{#- What orders are worth and when that was known, from CTEs `orders` and `returns` of the customers looked at. -#}
{% macro clv_bookings() -%}
    select
        customer_id,
        ordered_date,
        ordered_date as booked_date,
        cast(coalesce(revenue_amount - cost_amount, revenue_amount) as decimal(28, 8)) as value_amount
    from orders

    union all

    -- A refund is known from the day of the return on: an estimate as of an earlier day must not see it.
    select
        orders.customer_id,
        orders.ordered_date,
        greatest(returns.returned_date, orders.ordered_date) as booked_date,
        cast(returns.revenue_amount as decimal(28, 8)) as value_amount
    from returns
    inner join orders on returns.order_id = orders.order_id
    where returns.revenue_amount <> 0
{%- endmacro %}
