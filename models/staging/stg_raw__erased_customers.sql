{{ config(materialized="kept") }}
-- grain: one row per customer who asked to be erased by as_of
select judged.customer_id
from {{ ref('base_raw__customers') }} as judged
cross join {{ ref('stg_raw__as_of') }} as run
where judged.row_verdict = 'accepted' and judged.deleted_at <= run.as_of
