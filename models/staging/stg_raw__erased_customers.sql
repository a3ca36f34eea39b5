{{ config(materialized="kept") }}
-- grain: one row per customer who asked to be erased by as_of
with

customers as (
    select * from {{ ref('base_raw__customers') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

removed_customers as (
    select customer_id from customers
    where row_verdict = 'deleted'
),

-- A row that is then removed, too, is the usual end of an erasure: what it said last still holds.
last_versions as (
    select
        customer_id,
        deleted_at,
        rank() over (partition by customer_id order by _loaded_at desc) as version_rank
    from customers
    where _deleted is not true and customer_id in (select customer_id from removed_customers)
),

known_customers as (
    select
        customer_id,
        deleted_at
    from customers
    where row_verdict = 'accepted'

    union all

    select
        customer_id,
        deleted_at
    from last_versions
    where version_rank = 1
)

select distinct known_customers.customer_id
from known_customers
cross join run
where known_customers.deleted_at <= run.as_of
