{{ config(unique_key='identity_value') }}
-- grain: one row per identity value that belongs to a customer at as_of
with

identities as (
    select * from {{ touched('stg_raw__customer_identities') }}
),

ranked_links as (
    select
        identity_value,
        customer_id,
        -- The latest link wins; an unknown link time is the oldest, and customer_id settles the rest. A link to an
        -- erased customer is to nobody, and no older one takes its place.
        row_number() over (
            partition by identity_value order by linked_at desc nulls last, customer_id asc nulls last
        ) as link_rank
    from identities
    where unlinked_at is null
)

select
    identity_value,
    customer_id
from ranked_links
where link_rank = 1 and customer_id is not null
