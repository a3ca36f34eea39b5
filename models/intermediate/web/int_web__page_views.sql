-- grain: one row per page view, and one per measurement whose page view was not recorded
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
        case when page_view_id is null then event_id end as lone_event_id
    from {{ ref('int_web__events') }}
    where event_name = 'page_view' or coalesce(page_load_ms, lcp_ms, inp_ms, cls) is not null
),

ranked_rows as (
    select
        *,
        row_number() over (
            partition by page_view_id, lone_event_id order by event_at, event_id
        ) as row_number,
        row_number() over (
            partition by page_view_id, lone_event_id order by is_page_view desc, event_at, event_id
        ) as row_rank
    from page_rows
),

measured_rows as (
    select
        *,
        sum(engagement_ms) over (partition by page_view_id, lone_event_id) as engagement_before_ms
        {%- for measure in ['page_load_ms', 'lcp_ms', 'inp_ms', 'cls'] %},
        max_by({{ measure }}, case when {{ measure }} is not null then row_number end) over (
            partition by page_view_id, lone_event_id
        ) as last_{{ measure }}
        {%- endfor %}
    from ranked_rows
),

page_views as (
    select * from measured_rows
    where row_rank = 1
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
    last_page_load_ms as page_load_ms,
    last_lcp_ms as lcp_ms,
    last_inp_ms as inp_ms,
    last_cls as cls,
    case when is_page_view then row_number() over session_order end as page_view_number,
    case when is_page_view then lead(event_id) over session_order is null end as is_last_in_session,
    lag(page_path) over session_order as previous_page_path,
    lag(page_type) over session_order as previous_page_type,
    lag(article_id) over session_order as previous_article_id
from page_views
window session_order as (partition by session_key, is_page_view order by event_at, event_id)
