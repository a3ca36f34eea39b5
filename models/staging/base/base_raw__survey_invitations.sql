-- grain: one row per landed row of survey_invitations, with what became of it
{{ judged_rows('survey_invitations') }}
