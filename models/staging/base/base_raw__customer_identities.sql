-- grain: one row per landed row of customer_identities, with what became of it
{{ judged_rows('customer_identities') }}
