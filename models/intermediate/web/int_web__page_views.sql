{{ config(unique_key='session_key') }}
-- grain: one row per page view, and one per measurement whose page view was not recorded
{{ touched_together('int_web__events', 'page_view_id', key='session_key') }}
{%- set measures = ['page_load_ms', 'lcp_ms', 'inp_ms', 'cls'] %}
{#- Measurements come in rows of their own; they belong to the page view whose id they carry, and a later one replaces
    an earlier one. Written where it is read: what is read twice is first held in memory, with all of its columns. #}
{%- set page_rows %}
    select
        event_id,
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
        {{ measures | join(', ') }},
        -- Without an id each row is a page view of its own.
        coalesce('view:' || page_view_id, 'event:' || event_id) as page_view_key
    from {{ touched('int_web__events') }}
    where event_name = 'page_view' or coalesce({{ measures | join(', ') }}) is not null
{% endset %}
with

-- Most page views came once and were measured once: their rows need no order.
pages as (
    select
        page_view_key,
        cast(sum(cast(engagement_ms as decimal(28, 8))) as double) as engagement_before_ms,
        {%- for measure in measures %}
        max({{ measure }}) as {{ measure }},
        {%- endfor %}
        count(case when is_page_view then 1 end) = 1
        {%- for measure in measures %}
        and count({{ measure }}) <= 1
        {%- endfor %} as is_plain
    from ({{ page_rows }}) as page_rows
    group by page_view_key
),

-- Narrow, because a window carries all columns through its sort.
ranked_rows as (
    select
        event_id,
        page_view_key,
        is_page_view,
        {{ measures | join(', ') }},
        row_number() over (partition by page_view_key order by event_at, event_id) as row_rank
    from ({{ page_rows }}) as page_rows
    where page_view_key in (
        select page_view_key from pages
        where not is_plain
    )
),

last_measurements as (
    select
        page_view_key,
        coalesce(
            min_by(event_id, case when is_page_view then row_rank end), min_by(event_id, row_rank)
        ) as first_event_id,
        {%- for measure in measures %}
        max_by({{ measure }}, case when {{ measure }} is not null then row_rank end) as {{ measure }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from ranked_rows
    group by page_view_key
),

page_views as (
    select
        page_rows.event_id,
        page_rows.session_key,
        page_rows.event_at,
        page_rows.is_page_view,
        page_rows.site,
        page_rows.page_path,
        page_rows.page_type,
        page_rows.article_id,
        page_rows.search_term,
        page_rows.device_type,
        page_rows.country,
        page_rows.language,
        pages.engagement_before_ms,
        {%- for measure in measures %}
        coalesce(last_measurements.{{ measure }}, pages.{{ measure }}) as {{ measure }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from ({{ page_rows }}) as page_rows
    inner join pages on page_rows.page_view_key = pages.page_view_key
    left join last_measurements on page_rows.page_view_key = last_measurements.page_view_key
    where
        (pages.is_plain and page_rows.is_page_view)
        or page_rows.event_id = last_measurements.first_event_id
)

select
    event_id,
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
