-- grain: one row per order_id
{{ accepted_rows('orders') }}
