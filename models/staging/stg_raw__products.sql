-- grain: one row per product_id
{{ accepted_rows('products') }}
