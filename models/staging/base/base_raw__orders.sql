-- grain: one row per landed row of orders, with what became of it
{{ judged_rows('orders') }}
