{{ config(unique_key='identity_value') }}
-- grain: one row per identity value that belongs to a customer at as_of
{% call touched_when('stg_raw__erased_identities') -%}
    select identity_value from {{ changes('stg_raw__erased_identities') }}
{%- endcall %}
with

-- Where the latest link is to an erased customer, the identity is nobody's, and no older link takes its place.
erased_identities as (
    select * from {{ ref('stg_raw__erased_identities') }}
),

identities as (
    select * from {{ touched('stg_raw__customer_identities') }}
    where
        unlinked_at is null
        and customer_id is not null
        and identity_value not in (select identity_value from erased_identities)
),

links as (
    {{ latest_links('identities') }}
)

select * from links
