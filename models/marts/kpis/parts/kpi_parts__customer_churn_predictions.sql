-- grain: one row per KPI, part_date, dimension and member that customer_churn_predictions feeds
{{ kpi_parts('customer_churn_predictions') }}  -- noqa: PRS
