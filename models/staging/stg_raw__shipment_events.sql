-- grain: one row per event_id
{{ accepted_rows('shipment_events') }}
