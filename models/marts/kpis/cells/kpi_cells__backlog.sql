-- grain: one row per period, dimension and member of the backlog
{%- set dimensions = ['channel', 'topic', 'team', 'priority', 'age_band'] %}
{{ stock_cells('backlog', ref('int_tickets__backlog_changes'), dimensions) }}  -- noqa: PRS
