-- grain: one row per period, dimension and member of the backlog
{{ stock_cells('backlog', ref('int_tickets__backlog_changes'), ['channel', 'topic', 'team', 'priority', 'age_band']) }}  -- noqa: PRS
