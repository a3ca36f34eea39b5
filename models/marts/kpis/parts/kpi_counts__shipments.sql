-- grain: one row per KPI, part_date, dimension, member and value that fct_shipments feeds
{{ kpi_value_counts('fct_shipments') }}  -- noqa: PRS
