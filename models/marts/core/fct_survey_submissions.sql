-- grain: one row per response_id and survey_id: all answers given in one go
with

answers as (
    select
        *,
        -- Without any ends it is one scale too, and not that of an answer with ends.
        case when score is not null then
                coalesce(cast(scale_min as {{ dbt.type_string() }}), '') || '..'
                || coalesce(cast(scale_max as {{ dbt.type_string() }}), '')
        end as score_scale,
        row_number() over (
            partition by response_id, survey_id
            order by case when channel is null then 1 else 0 end, question_id
        ) as channel_number
    from {{ ref('fct_survey_responses') }}
),

submissions as (
    select
        response_id,
        survey_id,
        max(responded_at) as responded_at,
        max(responded_date) as responded_date,
        min(started_at) as started_at,
        max(invitation_id) as invitation_id,
        max(customer_id) as customer_id,
        max(case when channel_number = 1 then channel end) as channel,
        bool_or(is_complete) as is_complete,
        count(score) as answer_count,
        -- One score on one scale, four times or more: nobody read the questions.
        count(score) >= 4 and count(distinct score) = 1 and count(distinct score_scale) = 1 as is_straight_line
    from answers
    group by response_id, survey_id
),

timed_submissions as (
    select
        *,
        {{ minutes_between('started_at', 'responded_at') }} as answering_minutes
    from submissions
),

usual_times as (
    select
        survey_id,
        median(answering_minutes) as median_minutes
    from timed_submissions
    group by survey_id
)

select
    timed_submissions.response_id,
    timed_submissions.survey_id,
    timed_submissions.invitation_id,
    timed_submissions.customer_id,
    timed_submissions.channel,
    timed_submissions.started_at,
    timed_submissions.responded_at,
    timed_submissions.responded_date,
    timed_submissions.answer_count,
    timed_submissions.answering_minutes,

    -- KPI flags and measures: null keeps a row out of the KPI
    timed_submissions.is_complete,
    case when timed_submissions.is_complete then timed_submissions.answering_minutes end as complete_minutes,
    timed_submissions.is_straight_line
    or coalesce(timed_submissions.answering_minutes * 3 < usual_times.median_minutes, false) as is_careless
from timed_submissions
left join usual_times on timed_submissions.survey_id is not distinct from usual_times.survey_id
