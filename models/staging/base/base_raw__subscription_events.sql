-- grain: one row per landed row of subscription_events, with what became of it
{{ judged_rows('subscription_events') }}
