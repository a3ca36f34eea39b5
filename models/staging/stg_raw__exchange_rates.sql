-- grain: one row per rate_date, from_currency, to_currency
{{ accepted_rows('exchange_rates') }}
