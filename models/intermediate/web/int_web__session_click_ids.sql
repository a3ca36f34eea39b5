{{ config(unique_key='session_key') }}
-- grain: one row per session and click_id seen in it
select distinct
    session_key,
    click_id
from {{ touched('int_web__events') }}
where click_id is not null
