-- grain: one row per landed row of quality_reviews, with what became of it
{{ judged_rows('quality_reviews') }}
