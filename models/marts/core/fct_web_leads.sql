{{ config(unique_key='session_key') }}
-- grain: one row per event_id of a lead
with

events as (
    select * from {{ touched('int_web__events') }}
),

leads as (
    select * from events
    where event_name = 'lead'
),

steps_before as (
    select
        leads.event_id as lead_id,
        events.page_type in {{ support_page_types() }} as is_support_page,
        events.article_id,
        case when events.event_name = 'cta_click' then events.cta_id end as cta_id,
        row_number() over (
            partition by leads.event_id, events.article_id is null
            order by events.event_at desc, events.event_id desc
        ) as article_rank,
        row_number() over (
            partition by leads.event_id, events.event_name <> 'cta_click' or events.cta_id is null
            order by events.event_at desc, events.event_id desc
        ) as cta_rank
    from leads
    inner join events
        on leads.session_key = events.session_key
            and (
                events.event_at < leads.event_at
                or (events.event_at = leads.event_at and events.event_id < leads.event_id)
            )
    where
        events.page_type in {{ support_page_types() }}
        or events.article_id is not null
        or events.event_name = 'cta_click'
),

leads_with_steps as (
    select
        lead_id,
        bool_or(coalesce(is_support_page, false)) as has_support_page_before,
        max(case when article_rank = 1 then article_id end) as last_article_id,
        max(case when cta_rank = 1 then cta_id end) as last_cta_id
    from steps_before
    group by lead_id
)

select
    leads.event_id,
    leads.session_key,
    leads.event_at,
    {{ reporting_date('leads.event_at') }} as event_date,
    coalesce(leads.article_id, leads_with_steps.last_article_id) as article_id,
    leads_with_steps.last_cta_id as cta_id,
    leads.country,
    leads.value_amount,

    -- KPI flag
    coalesce(leads_with_steps.has_support_page_before, false) as is_support_lead
from leads
left join leads_with_steps on leads.event_id = leads_with_steps.lead_id
