-- grain: one row per KPI, part_date, dimension and member that customer_value_predictions feeds
{{ kpi_parts('customer_value_predictions') }}  -- noqa: PRS
