-- grain: one row per cost_date, campaign_id
{{ accepted_rows('campaign_costs') }}
