-- grain: one row per landed row of inventory_snapshots, with what became of it
{{ judged_rows('inventory_snapshots') }}
