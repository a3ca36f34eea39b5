-- grain: one row per survey_id and channel that reports what was delivered
select distinct
    survey_id,
    channel,
    true as is_reporting
from {{ ref('stg_raw__survey_invitations') }}
where delivered_at is not null
