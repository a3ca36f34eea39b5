-- grain: one row per campaign_id
with

campaigns as (
    select * from {{ ref('stg_raw__campaigns') }}
),

-- A campaign that only costs and clicks name is a campaign too.
known_campaign_ids as (
    select campaign_id from campaigns
    union
    select campaign_id from {{ ref('stg_raw__campaign_costs') }}
    union
    select campaign_id from {{ ref('stg_raw__ad_events') }}
)

select
    known_campaign_ids.campaign_id,
    campaigns.campaign_name,
    campaigns.channel,
    campaigns.landing_page_type,
    campaigns.started_on,
    campaigns.ended_on
from known_campaign_ids
left join campaigns on known_campaign_ids.campaign_id = campaigns.campaign_id
