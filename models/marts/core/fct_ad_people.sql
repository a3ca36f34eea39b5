{{ config(unique_key='person_id') }}
-- grain: one row per campaign_id and person_id who saw or clicked the campaign
{% call touched_when('stg_raw__as_of') -%}
    select person_id from {{ this }}
    where
        first_shown_at + {{ var('view_through_window_days') }} * interval '1' day
        > (select min(as_of) from {{ changes('stg_raw__as_of') }})
{%- endcall %}
{%- set day_us = 86400000000 %}
with

impressions as (
    select
        event_id,
        campaign_id,
        event_at,
        placement,
        coalesce(customer_id, md5(visitor_id)) as person_id,
        customer_id
    from {{ touched('int_ads__events', 'coalesce(customer_id, md5(visitor_id))') }}
    where not is_click
),

first_clicks as (
    select * from {{ touched('fct_ad_clicks') }}
    where is_first_click
),

orders as (
    select * from {{ touched('int_ads__orders') }}
),

sessions as (
    select * from {{ touched('int_web__sessions') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

ranked_impressions as (
    select
        campaign_id,
        person_id,
        customer_id,
        event_at,
        placement,
        row_number() over (
            partition by campaign_id, person_id order by event_at, event_id
        ) as impression_number
    from impressions
    where person_id is not null
),

first_impressions as (
    select * from ranked_impressions
    where impression_number = 1
),

shown_people as (
    select distinct person_id from first_impressions
),

moments as (
    select
        campaign_id,
        person_id,
        {{ microseconds('event_at') }} as moment_us,
        cast(null as bigint) as visited_us,
        cast(null as bigint) as ordered_us
    from first_impressions

    union all

    select
        cast(null as {{ dbt.type_string() }}) as campaign_id,
        sessions.person_id,
        {{ microseconds('sessions.started_at') }} as moment_us,
        {{ microseconds('sessions.started_at') }} as visited_us,
        cast(null as bigint) as ordered_us
    from sessions
    inner join shown_people on sessions.person_id = shown_people.person_id

    union all

    -- An order that a click has brought is never a view's.
    select
        cast(null as {{ dbt.type_string() }}) as campaign_id,
        orders.person_id,
        orders.ordered_us as moment_us,
        cast(null as bigint) as visited_us,
        orders.ordered_us
    from orders
    inner join shown_people on orders.person_id = shown_people.person_id
    where not orders.is_credited_to_click
),

followed_moments as (
    select
        campaign_id,
        person_id,
        moment_us as shown_us,
        min(visited_us) over later as next_visited_us,
        min(ordered_us) over later as next_ordered_us
    from moments
    window later as (
        partition by person_id order by moment_us range between 1 following and unbounded following
    )
),

shown_moments as (
    select * from followed_moments
    where campaign_id is not null
),

people as (
    select
        coalesce(first_impressions.campaign_id, first_clicks.campaign_id) as campaign_id,
        coalesce(first_impressions.person_id, first_clicks.person_id) as person_id,
        coalesce(first_impressions.customer_id, first_clicks.customer_id) as customer_id,
        first_impressions.event_at as first_shown_at,
        first_impressions.placement,
        first_clicks.clicked_at as first_clicked_at
    from first_impressions
    full join first_clicks
        on first_impressions.campaign_id = first_clicks.campaign_id
            and first_impressions.person_id = first_clicks.person_id
),

judged_people as (
    select
        people.*,
        shown_moments.next_visited_us - shown_moments.shown_us as visited_after_us,
        shown_moments.next_ordered_us - shown_moments.shown_us as ordered_after_us,
        people.first_shown_at
        + {{ var('view_through_window_days') }} * interval '1' day <= run.as_of
        and coalesce(
            people.first_clicked_at
            > people.first_shown_at + {{ var('view_through_window_days') }} * interval '1' day, true
        ) as is_unclicked_view
    from people
    cross join run
    left join shown_moments
        on people.campaign_id = shown_moments.campaign_id
            and people.person_id = shown_moments.person_id
)

select
    campaign_id,
    person_id,
    customer_id,
    first_shown_at,
    {{ reporting_date('first_shown_at') }} as first_shown_date,
    placement,
    first_clicked_at,
    {{ reporting_date('first_clicked_at') }} as first_clicked_date,

    -- KPI flags: null keeps a row out of the KPI
    case when is_unclicked_view then
            coalesce(visited_after_us <= {{ var('view_through_window_days') }} * {{ day_us }}, false)
    end as is_view_visited,
    case when is_unclicked_view then
            coalesce(ordered_after_us <= {{ var('view_through_window_days') }} * {{ day_us }}, false)
    end as is_view_converted
from judged_people
