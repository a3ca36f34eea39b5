-- grain: one row per identity_type, identity_value, customer_id
{{ accepted_rows('customer_identities') }}
