-- grain: one row per currency and first day of a rate to the reporting currency
with

exchange_rates as (
    select * from {{ ref('stg_raw__exchange_rates') }}
    where rate > 0
),

run as (
    select * from {{ ref('int_money__reporting_currency') }}
),

direct_rates as (
    select
        exchange_rates.from_currency as currency,
        exchange_rates.rate_date as valid_from,
        exchange_rates.rate,
        lead(exchange_rates.rate_date) over (
            partition by exchange_rates.from_currency order by exchange_rates.rate_date
        ) as valid_until
    from exchange_rates
    inner join run on exchange_rates.to_currency = run.reporting_currency
),

first_direct_days as (
    select
        currency,
        min(valid_from) as first_day
    from direct_rates
    group by currency
),

inverse_rates as (
    select
        exchange_rates.to_currency as currency,
        exchange_rates.rate_date as valid_from,
        1e0 / exchange_rates.rate as rate,
        lead(exchange_rates.rate_date) over (
            partition by exchange_rates.to_currency order by exchange_rates.rate_date
        ) as valid_until
    from exchange_rates
    inner join run on exchange_rates.from_currency = run.reporting_currency
),

-- The inverse pair serves only where no direct rate is known yet.
needed_inverse_rates as (
    select
        inverse_rates.currency,
        inverse_rates.valid_from,
        inverse_rates.rate,
        least(
            coalesce(inverse_rates.valid_until, cast('9999-12-31' as date)),
            coalesce(first_direct_days.first_day, cast('9999-12-31' as date))
        ) as valid_until
    from inverse_rates
    left join first_direct_days on inverse_rates.currency = first_direct_days.currency
),

rates as (
    select
        currency,
        valid_from,
        coalesce(valid_until, cast('9999-12-31' as date)) as valid_until,
        rate
    from direct_rates

    union all

    select
        currency,
        valid_from,
        valid_until,
        rate
    from needed_inverse_rates
    where valid_from < valid_until
)

select * from rates
