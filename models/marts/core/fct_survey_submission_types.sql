-- grain: one row per response_id, survey_id and type of its questions
with

answers as (
    select * from {{ ref('fct_survey_responses') }}
),

submissions as (
    select * from {{ ref('fct_survey_submissions') }}
),

asked_types as (
    select distinct
        response_id,
        survey_id,
        survey_type
    from answers
)

select
    asked_types.response_id,
    asked_types.survey_id,
    asked_types.survey_type,
    submissions.responded_date,
    submissions.is_complete
from asked_types
inner join submissions
    on asked_types.response_id = submissions.response_id
        and asked_types.survey_id is not distinct from submissions.survey_id
