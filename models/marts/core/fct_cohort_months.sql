-- grain: one row per month of a first order and number of months since
with

orders as (
    select
        *,
        cast(date_trunc('month', ordered_date) as date) as ordered_month
    from {{ ref('fct_orders') }}
    where is_order and customer_id is not null
),

cohorts as (
    select
        customer_id,
        cast(date_trunc('month', first_ordered_date) as date) as cohort_month
    from {{ ref('fct_ordering_customers') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

cohort_sizes as (
    select
        cohort_month,
        count(*) as customer_count
    from cohorts
    group by cohort_month
),

months as (
    select distinct cast(date_trunc('month', date_day) as date) as month_start
    from {{ ref('dim_dates') }}
),

-- A cell is known once its whole month has passed.
cells as (
    select
        cohort_sizes.cohort_month,
        cohort_sizes.customer_count,
        months.month_start,
        {{ months_between('cohort_sizes.cohort_month', 'months.month_start') }} as months_since_first_order
    from cohort_sizes
    inner join months on cohort_sizes.cohort_month < months.month_start
    cross join run
    where {{ first_instant("cast(months.month_start + interval '1' month as date)") }} <= run.as_of
),

returning_customers as (
    select
        cohorts.cohort_month,
        orders.ordered_month,
        count(distinct orders.customer_id) as ordering_customer_count
    from orders
    inner join cohorts on orders.customer_id = cohorts.customer_id
    group by cohorts.cohort_month, orders.ordered_month
)

select
    cells.cohort_month,
    cells.months_since_first_order,
    cells.customer_count,
    coalesce(returning_customers.ordering_customer_count, 0) as ordering_customer_count
from cells
left join returning_customers
    on cells.cohort_month = returning_customers.cohort_month
        and cells.month_start = returning_customers.ordered_month
