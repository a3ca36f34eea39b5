-- grain: one row per return_id
{{ accepted_rows('returns') }}
