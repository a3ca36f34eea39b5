-- grain: one row per agent_id of whom a status is known
select distinct agent_id
from {{ ref('stg_raw__agent_status_events') }}
