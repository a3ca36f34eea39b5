-- grain: one row per landed row of campaign_costs, with what became of it
{{ judged_rows('campaign_costs') }}
