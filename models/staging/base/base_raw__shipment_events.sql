-- grain: one row per landed row of shipment_events, with what became of it
{{ judged_rows('shipment_events') }}
