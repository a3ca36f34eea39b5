-- grain: one row per customer_id
{{ accepted_rows('customers') }}
