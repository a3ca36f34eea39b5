-- grain: one row per invitation_id
{{ accepted_rows('survey_invitations') }}
