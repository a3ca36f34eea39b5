-- grain: one row per campaign_id
{{ accepted_rows('campaigns') }}
