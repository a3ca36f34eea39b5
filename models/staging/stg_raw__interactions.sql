-- grain: one row per interaction_id
{{ accepted_rows('interactions') }}
