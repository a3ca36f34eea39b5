-- grain: one row per order_id, line_number
{{ accepted_rows('order_items') }}
