-- grain: one row per landed row of reviews, with what became of it
{{ judged_rows('reviews') }}
