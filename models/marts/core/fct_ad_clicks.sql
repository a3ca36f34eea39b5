-- grain: one row per event_id of a click on an advertisement or in an email
with

clicks as (
    select
        *,
        {{ reporting_date('event_at') }} as clicked_date
    from {{ ref('int_ads__clicks') }}
),

sessions as (
    select * from {{ ref('fct_sessions') }}
),

orders as (
    select * from {{ ref('int_ads__orders') }}
),

campaigns as (
    select * from {{ ref('dim_campaigns') }}
),

campaign_costs as (
    select * from {{ ref('int_ads__campaign_costs') }}
),

rates as (
    select * from {{ ref('int_money__rates') }}
),

run as (
    select
        currencies.reporting_currency,
        moments.as_of
    from {{ ref('int_money__reporting_currency') }} as currencies
    cross join {{ ref('stg_raw__as_of') }} as moments
),

numbered_clicks as (
    select
        *,
        count(*) over (partition by campaign_id, clicked_date) as campaign_day_click_count,
        row_number() over (
            partition by campaign_id, person_id order by event_at, event_id
        ) as person_click_number
    from clicks
),

moments as (
    select
        event_id,
        person_id,
        {{ microseconds('event_at') }} as moment_us,
        cast(null as bigint) as ordered_us
    from numbered_clicks
    where person_id is not null and person_click_number = 1

    union all

    select
        cast(null as {{ dbt.type_string() }}) as event_id,
        person_id,
        ordered_us as moment_us,
        ordered_us
    from orders
),

first_clicks as (
    select
        event_id,
        moment_us as clicked_us,
        min(ordered_us) over (
            partition by person_id order by moment_us
            range between 1 following and unbounded following
        ) as next_ordered_us
    from moments
),

judged_clicks as (
    select
        numbered_clicks.*,
        campaigns.channel,
        sessions.landing_page,
        sessions.device_type,
        coalesce(sessions.is_engaged, false) as is_engaged,
        first_clicks.event_id is not null as is_first_click,
        case
            when first_clicks.event_id is not null
                and numbered_clicks.event_at
                + {{ var('click_through_window_days') }} * interval '1' day <= run.as_of
                then coalesce(
                        first_clicks.next_ordered_us - first_clicks.clicked_us
                        <= {{ var('click_through_window_days') }} * 86400000000, false
                    )
        end as is_converted,
        -- A click without a cost of its own bears an equal share of its campaign's day; eight decimals would not do,
        -- since many small shares must add up to the day again.
        case
            when numbered_clicks.cost_amount is not null
                then cast(
                    {{ in_reporting_currency('numbered_clicks.cost_amount', 'numbered_clicks.currency',
                                             'rates.rate', 'run.reporting_currency') }} as double
                )
            else cast(campaign_costs.cost_amount as double) / numbered_clicks.campaign_day_click_count
        end as click_cost_amount
    from numbered_clicks
    cross join run
    left join sessions on numbered_clicks.session_key = sessions.session_key
    left join first_clicks on numbered_clicks.event_id = first_clicks.event_id
    left join campaigns on numbered_clicks.campaign_id = campaigns.campaign_id
    left join campaign_costs
        on numbered_clicks.campaign_id = campaign_costs.campaign_id
            and numbered_clicks.clicked_date = campaign_costs.cost_date
    {{ join_rate('rates', 'numbered_clicks.currency', 'numbered_clicks.clicked_date') }}
)

select
    event_id,
    campaign_id,
    channel,
    placement,
    creative_id,
    event_at as clicked_at,
    clicked_date,
    session_key,
    landing_page,
    device_type,
    customer_id,
    person_id,
    is_first_click,

    -- KPI flags and measures: null keeps a row out of the KPI
    is_engaged,
    is_converted,
    click_cost_amount as cost_amount,
    case when is_engaged and click_cost_amount is not null then 0 else click_cost_amount end
        as unengaged_cost_amount
from judged_clicks
