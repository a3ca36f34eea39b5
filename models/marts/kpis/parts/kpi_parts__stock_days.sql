-- grain: one row per KPI, part_date, dimension and member that fct_stock_days feeds
{{ kpi_parts('fct_stock_days') }}  -- noqa: PRS
