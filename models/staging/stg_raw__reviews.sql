-- grain: one row per platform, review_id
{{ accepted_rows('reviews') }}
