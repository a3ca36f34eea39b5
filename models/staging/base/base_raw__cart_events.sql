-- grain: one row per landed row of cart_events, with what became of it
{{ judged_rows('cart_events') }}
