-- grain: one row per response_id, question_id
{{ accepted_rows('survey_responses') }}
