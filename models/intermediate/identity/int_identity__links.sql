{{ config(unique_key='identity_value') }}
-- grain: one row per identity value that belongs to a customer at as_of
{% call touched_when('stg_raw__erased_identities') -%}
    select identity_value from {{ changes('stg_raw__erased_identities') }}
{%- endcall %}
with

identities as (
    select * from {{ touched('stg_raw__customer_identities') }}
),

-- Their latest link is to an erased customer, so they are nobody's, and no older link takes its place.
erased_identities as (
    select * from {{ ref('stg_raw__erased_identities') }}
),

ranked_links as (
    select
        identity_value,
        customer_id,
        {{ link_rank() }} as link_rank
    from identities
    where
        unlinked_at is null
        and customer_id is not null
        and identity_value not in (select identity_value from erased_identities)
)

select
    identity_value,
    customer_id
from ranked_links
where link_rank = 1
