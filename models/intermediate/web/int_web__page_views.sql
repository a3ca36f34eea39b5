{{ config(unique_key='session_key') }}
-- grain: one row per page view, and one per measurement whose page view was not recorded
{{ touched_together('int_web__events', 'page_view_id', key='session_key') }}
with

-- Measurements come in rows of their own; they belong to the page view whose id they carry, and a later
-- one replaces an earlier one.
page_rows as (
    select
        event_id,
        page_view_id,
        session_key,
        event_at,
        event_name = 'page_view' as is_page_view,
        site,
        page_path,
        page_type,
        article_id,
        search_term,
        device_type,
        country,
        language,
        case when event_name = 'page_view' then engagement_ms end as engagement_ms,
        page_load_ms,
        lcp_ms,
        inp_ms,
        cls,
        -- Without an id each row is a page view of its own.
        coalesce('view:' || page_view_id, 'event:' || event_id) as page_view_key
    from {{ touched('int_web__events') }}
    where event_name = 'page_view' or coalesce(page_load_ms, lcp_ms, inp_ms, cls) is not null
),

ranked_rows as (
    select
        *,
        row_number() over (
            partition by page_view_key order by is_page_view desc, event_at asc, event_id asc
        ) as row_rank
    from page_rows
),

-- A window would carry all columns through another sort.
measurements as (
    select
        page_view_key,
        cast(sum(cast(engagement_ms as decimal(28, 8))) as double) as engagement_before_ms,
    {%- for measure in ['page_load_ms', 'lcp_ms', 'inp_ms', 'cls'] %}
    max_by({{ measure }}, case when {{ measure }} is not null then row_rank end) as {{ measure }}
    {{- ',' if not loop.last }}
    {%- endfor %}
    from ranked_rows
    where coalesce(engagement_ms, page_load_ms, lcp_ms, inp_ms, cls) is not null
    group by page_view_key
),

page_views as (
    select
        ranked_rows.event_id,
        ranked_rows.page_view_id,
        ranked_rows.session_key,
        ranked_rows.event_at,
        ranked_rows.is_page_view,
        ranked_rows.site,
        ranked_rows.page_path,
        ranked_rows.page_type,
        ranked_rows.article_id,
        ranked_rows.search_term,
        ranked_rows.device_type,
        ranked_rows.country,
        ranked_rows.language,
        measurements.engagement_before_ms,
        measurements.page_load_ms,
        measurements.lcp_ms,
        measurements.inp_ms,
        measurements.cls
    from ranked_rows
    left join measurements on ranked_rows.page_view_key = measurements.page_view_key
    where ranked_rows.row_rank = 1
)

select
    event_id,
    page_view_id,
    session_key,
    event_at,
    is_page_view,
    site,
    page_path,
    page_type,
    article_id,
    search_term,
    device_type,
    country,
    language,
    engagement_before_ms,
    page_load_ms,
    lcp_ms,
    inp_ms,
    cls,
    case when is_page_view then row_number() over session_order end as page_view_number,
    case when is_page_view then lead(event_id) over session_order is null end as is_last_in_session,
    lag(page_path) over session_order as previous_page_path,
    lag(page_type) over session_order as previous_page_type,
    lag(article_id) over session_order as previous_article_id
from page_views
window session_order as (partition by session_key, is_page_view order by event_at, event_id)
