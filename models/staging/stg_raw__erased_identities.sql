{{ config(materialized="kept") }}
-- grain: one row per identity value that belonged to a customer who asked to be erased
select distinct judged.identity_value
from {{ ref('base_raw__customer_identities') }} as judged
inner join {{ ref('stg_raw__erased_customers') }} as erased
    on judged.customer_id = erased.customer_id
cross join {{ ref('stg_raw__as_of') }} as run
where
    judged.row_verdict = 'accepted'
    and (judged.unlinked_at is null or judged.unlinked_at > run.as_of)
