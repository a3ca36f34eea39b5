-- grain: one row per report_date, site, page_path, query, country and device_type
with

reports as (
    select
        *,
        -- Of breakdowns with as many columns filled, page wins over query, country and device in this order.
        case when page_path is not null then 1008 else 0 end
        + case when query is not null then 1004 else 0 end
        + case when country is not null then 1002 else 0 end
        + case when device_type is not null then 1001 else 0 end as breakdown
    from {{ ref('stg_raw__search_performance') }}
),

page_types as (
    select * from {{ ref('int_web__page_types') }}
),

-- Breakdowns tell the same clicks again, so each site and day is read from one of them.
judged_reports as (
    select
        reports.*,
        page_types.page_type,
        reports.breakdown = max(reports.breakdown) over (partition by reports.report_date, reports.site)
            as is_finest_breakdown,
        coalesce(page_types.page_type in {{ support_page_types() }}, true) as may_be_support_page
    from reports
    left join page_types on reports.page_path = page_types.page_path
)

select
    report_date,
    site,
    page_path,
    page_type,
    query,
    country,
    device_type,
    clicks,
    impressions,
    average_position,
    is_finest_breakdown,

    -- KPI measures: null keeps a row out of the KPI
    case when is_finest_breakdown and may_be_support_page then clicks end as support_clicks,
    case when is_finest_breakdown and may_be_support_page then impressions end as support_impressions,
    case when is_finest_breakdown and may_be_support_page then average_position * impressions end
        as weighted_position,
    case
        when is_finest_breakdown and may_be_support_page and average_position is not null
            then impressions
    end as position_impressions
from judged_reports
