-- grain: one row per landed row of order_items, with what became of it
{{ judged_rows('order_items') }}
