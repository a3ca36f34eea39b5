-- grain: one row per period ended by as_of, dimension and member with recurring revenue at its start or end
with

changes as (
    select * from {{ ref('int_subscriptions__mrr_changes') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

-- An account is what must move for revenue to be won or lost: a customer; by product, a customer's product.
account_changes as (
    select
        'customer' as account_type,
        customer_id,
        cast(null as {{ dbt.type_string() }}) as product_id,
        event_date,
        sum(mrr_change) as mrr_change,
        bool_or(has_paid) as has_paid
    from changes
    group by customer_id, event_date

    union all

    select
        'product' as account_type,
        customer_id,
        product_id,
        event_date,
        mrr_change,
        has_paid
    from changes
),

paid_changes as (
    select
        *,
        min(case when has_paid then event_date end) over (
            partition by account_type, customer_id, product_id
        ) as first_paid_date,
        sum(mrr_change) over (
            partition by account_type, customer_id, product_id order by event_date
            rows between unbounded preceding and current row
        ) as balance
    from account_changes
),

period_changes as (
    {%- for grain in period_grains() if grain != 'all' %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('event_date', grain) }} as period_start,
        account_type,
        customer_id,
        product_id,
        min(first_paid_date) as first_paid_date,
        sum(mrr_change) as mrr_change
    from paid_changes
    {{ "where account_type = 'customer'" if grain in ('day', 'week') }}
    group by {{ period_start('event_date', grain) }}, account_type, customer_id, product_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

period_balances as (
    select
        *,
        sum(mrr_change) over account_history - mrr_change as opening_mrr,
        sum(mrr_change) over account_history as closing_mrr
    from period_changes
    window account_history as (
        partition by period_grain, account_type, customer_id, product_id order by period_start
        rows between unbounded preceding and current row
    )
),

-- Net from opening to closing: what moved up and down within the period is no movement.
account_movements as (
    select
        *,
        case
            when mrr_change = 0 then 'none'
            when opening_mrr = 0 and first_paid_date >= period_start then 'new'
            when opening_mrr = 0 then 'reactivation'
            when closing_mrr = 0 then 'churned'
            when mrr_change > 0 then 'expansion'
            else 'contraction'
        end as movement
    from period_balances
),

{%- set members = [
    ('overall', 'customer', "'overall'"), ('segment', 'customer', dimension_member('segment')),
    ('product', 'product', dimension_member('product')),
] %}
{%- set movements = ['new', 'expansion', 'reactivation', 'contraction', 'churned'] %}

-- Every change of an account in each of the dimensions it counts in.
member_movements as (
    {%- for dimension, account_type, member in members %}
    select
        account_movements.period_grain,
        account_movements.period_start,
        '{{ dimension }}' as dimension_name,
        {{ member }} as dimension_value
        {%- for movement in movements %},
        sum(case when movement = '{{ movement }}' then abs(mrr_change) else 0 end) as {{ movement }}_mrr
    {%- endfor %}
    from account_movements
    left join customers on account_movements.customer_id = customers.customer_id
    where account_type = '{{ account_type }}'
    group by account_movements.period_grain, account_movements.period_start, {{ member }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

moves as (
    {%- for dimension, account_type, member in members %}
    select
        paid_changes.event_date as moved_date,
        '{{ dimension }}' as dimension_name,
        {{ member }} as dimension_value,
        paid_changes.mrr_change as mrr,
        case when paid_changes.balance > 0 then 1 else 0 end
        - case when paid_changes.balance - paid_changes.mrr_change > 0 then 1 else 0 end as account_count
    from paid_changes
    left join customers on paid_changes.customer_id = customers.customer_id
    where paid_changes.account_type = '{{ account_type }}'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

{{ period_stock_ctes('moves', ['mrr', 'account_count'], ['segment', 'product']) }}  -- noqa: PRS

select
    period_stocks.period_grain,
    period_stocks.period_start,
    period_stocks.dimension_name,
    period_stocks.dimension_value,
    period_stocks.opening_mrr,
    {%- for movement in movements %}
    coalesce(member_movements.{{ movement }}_mrr, 0) as {{ movement }}_mrr,
    {%- endfor %}
    period_stocks.closing_mrr,
    cast(period_stocks.opening_account_count as bigint) as opening_account_count
from period_stocks
cross join run
left join member_movements
    on period_stocks.period_grain = member_movements.period_grain
        and period_stocks.period_start = member_movements.period_start
        and period_stocks.dimension_name = member_movements.dimension_name
        and period_stocks.dimension_value = member_movements.dimension_value
where
    period_stocks.period_grain <> 'all'
    and {{ first_instant('period_stocks.next_start') }} <= run.as_of
    and (
        period_stocks.opening_mrr <> 0 or period_stocks.closing_mrr <> 0
        or member_movements.dimension_name is not null
    )
