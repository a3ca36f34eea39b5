{{ config(materialized="kept") }}
-- grain: one row per identity value that belongs to a customer who asked to be erased
with

erased_customers as (
    select * from {{ ref('stg_raw__erased_customers') }}
),

identities as (
    select
        identity_value,
        customer_id,
        linked_at
    from {{ ref('base_raw__customer_identities') }}
    where
        row_verdict = 'accepted'
        and (unlinked_at is null or unlinked_at > (select as_of from {{ ref('stg_raw__as_of') }}))
),

linked_to_erased as (
    select identity_value from identities
    where customer_id in (select customer_id from erased_customers)
),

their_identities as (
    select * from identities
    where identity_value in (select identity_value from linked_to_erased)
),

links as (
    {{ latest_links('their_identities') }}
)

select links.identity_value
from links
inner join erased_customers on links.customer_id = erased_customers.customer_id
