-- grain: one row per review_id, criterion
{{ accepted_rows('quality_reviews') }}
