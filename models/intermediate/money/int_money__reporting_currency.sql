-- grain: one row, the run
with

currencies as (
    select
        1 as preference,
        currency
    from {{ ref('stg_raw__orders') }}
    union all
    select
        2 as preference,
        currency
    from {{ ref('stg_raw__subscription_events') }}
    {%- for table in ['campaign_costs', 'ad_events', 'agents'] %}
    union all
    select
        3 as preference,
        currency
    from {{ ref('stg_raw__' ~ table) }}
    {%- endfor %}
),

counted_currencies as (
    select
        preference,
        currency,
        count(*) as row_count
    from currencies
    where currency is not null
    group by preference, currency
),

ranked_currencies as (
    select
        currency,
        row_number() over (order by preference asc, row_count desc, currency asc) as currency_rank
    from counted_currencies
)

-- An aggregate is one row also where no row names a currency: without it, whatever is joined to it would be gone.
select
    coalesce(
        {% if var('reporting_currency', none) is not none -%}
            {{ currency_code(sql_text(var('reporting_currency'))) }},
        {%- endif %}
        max(currency),
        {#- XXX is ISO 4217 for "no currency": nothing to convert where no row names one. -#}
        'XXX'
    ) as reporting_currency
from ranked_currencies
where currency_rank = 1
