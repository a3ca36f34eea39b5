-- grain: one row per landed row of survey_responses, with what became of it
{{ judged_rows('survey_responses') }}
