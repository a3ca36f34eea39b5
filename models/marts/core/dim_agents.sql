-- grain: one row per agent_id
with

agents as (
    select * from {{ ref('stg_raw__agents') }}
)

select
    agent_id,
    team,
    department,
    location,
    coalesce(is_bot, false) as is_bot,
    hourly_cost as hourly_cost_amount,
    currency,
    started_on as started_date,
    ended_on as ended_date
from agents
