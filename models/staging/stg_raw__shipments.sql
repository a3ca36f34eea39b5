-- grain: one row per shipment_id
{{ accepted_rows('shipments') }}
