-- grain: one row per landed row of exchange_rates, with what became of it
{{ judged_rows('exchange_rates') }}
