-- grain: one row per landed row of campaigns, with what became of it
{{ judged_rows('campaigns') }}
