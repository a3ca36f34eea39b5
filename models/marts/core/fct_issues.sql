{{ config(unique_key='customer_id') }}
-- grain: one row per issue_id: a customer's contacts of one topic without a long pause between them
{% call touched_when('stg_raw__as_of') -%}
    select customer_id from {{ this }}
    where
        last_contact_at + {{ repeat_contact_window() }}
        > (select min(as_of) from {{ changes('stg_raw__as_of') }})
{%- endcall %}
with

contacts as (
    select * from {{ touched('fct_contacts') }}
    where customer_id is not null
),

support_sessions as (
    select * from {{ touched('fct_support_sessions') }}
    where customer_id is not null
),

customers as (
    select * from {{ touched('dim_customers') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

-- No topic is a topic of its own.
contacts_after_pauses as (
    select
        contact_id,
        customer_id,
        topic,
        channel,
        started_at,
        case
            when started_at <= lag(started_at) over (
                    partition by customer_id, topic order by started_at, contact_id
                ) + {{ repeat_contact_window() }}
                then 0
            else 1
        end as starts_issue
    from contacts
),

numbered_contacts as (
    select
        *,
        sum(starts_issue) over (
            partition by customer_id, topic order by started_at, contact_id
            rows between unbounded preceding and current row
        ) as issue_number
    from contacts_after_pauses
),

issues as (
    select
        max(case when starts_issue = 1 then contact_id end) as issue_id,
        customer_id,
        topic,
        max(case when starts_issue = 1 then channel end) as first_channel,
        min(started_at) as started_at,
        max(started_at) as last_contact_at,
        count(*) as contact_count,
        count(distinct channel) as channel_count
    from numbered_contacts
    group by customer_id, topic, issue_number
),

session_counts as (
    select
        issues.issue_id,
        count(*) as support_session_count
    from issues
    inner join support_sessions
        on issues.customer_id = support_sessions.customer_id
            and support_sessions.started_at >= issues.started_at - {{ digital_to_call_window() }}
            and support_sessions.started_at <= issues.last_contact_at
    group by issues.issue_id
),

settled_issues as (
    select
        issues.*,
        coalesce(session_counts.support_session_count, 0) as support_session_count,
        issues.last_contact_at + {{ repeat_contact_window() }} <= run.as_of
            as is_over
    from issues
    cross join run
    left join session_counts on issues.issue_id = session_counts.issue_id
)

select
    settled_issues.issue_id,
    settled_issues.customer_id,
    customers.segment,
    settled_issues.topic,
    settled_issues.first_channel,
    settled_issues.started_at,
    {{ reporting_date('settled_issues.started_at') }} as started_date,
    settled_issues.last_contact_at,
    settled_issues.contact_count,
    settled_issues.support_session_count,
    settled_issues.channel_count,
    settled_issues.is_over,

    -- KPI flag and measure: null keeps a row out of the KPI
    case when settled_issues.is_over then settled_issues.channel_count > 1 end
        as is_channel_switched,
    case when settled_issues.is_over then
            settled_issues.contact_count + settled_issues.support_session_count
    end as touch_count
from settled_issues
left join customers on settled_issues.customer_id = customers.customer_id
