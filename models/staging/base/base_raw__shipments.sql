-- grain: one row per landed row of shipments, with what became of it
{{ judged_rows('shipments') }}
