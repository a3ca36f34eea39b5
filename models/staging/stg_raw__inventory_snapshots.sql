-- grain: one row per snapshot_at, product_id, location_id
{{ accepted_rows('inventory_snapshots') }}
