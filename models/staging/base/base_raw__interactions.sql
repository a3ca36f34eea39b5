-- grain: one row per landed row of interactions, with what became of it
{{ judged_rows('interactions') }}
