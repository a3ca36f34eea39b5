-- grain: one row per landed row of customers, with what became of it
{{ judged_rows('customers') }}
