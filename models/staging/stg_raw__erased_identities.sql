{{ config(materialized="kept") }}
-- grain: one row per identity value that belongs to a customer who asked to be erased
with

links as (
    select
        identity_value,
        customer_id,
        linked_at
    from {{ ref('base_raw__customer_identities') }}
    where
        row_verdict = 'accepted'
        and (unlinked_at is null or unlinked_at > (select as_of from {{ ref('stg_raw__as_of') }}))
),

erased_customers as (
    select * from {{ ref('stg_raw__erased_customers') }}
),

ranked_links as (
    select
        identity_value,
        customer_id,
        {{ link_rank() }} as link_rank
    from links
    where identity_value in (
        select identity_value from links
        where customer_id in (select customer_id from erased_customers)
    )
)

select ranked_links.identity_value
from ranked_links
inner join erased_customers on ranked_links.customer_id = erased_customers.customer_id
where ranked_links.link_rank = 1
