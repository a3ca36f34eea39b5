-- grain: one row per customer_id
with

customers as (
    select * from {{ ref('stg_raw__customers') }}
),

-- A customer whom only one of these tables names is a customer too.
known_customer_ids as (
    select customer_id from customers
    {%- for table in ('customer_identities', 'orders', 'interactions', 'tickets', 'survey_responses',
                      'subscription_events', 'loyalty_events') %}
    union
    select customer_id from {{ ref('stg_raw__' ~ table) }}
    {%- endfor %}
),

described_customers as (
    select
        known_customer_ids.customer_id,
        customers.created_at,
        customers.country,
        customers.language,
        customers.segment,
        customers.acquisition_channel,
        customers.timezone,
        customers.analytics_consent
    from known_customer_ids
    left join customers on known_customer_ids.customer_id = customers.customer_id
    where known_customer_ids.customer_id is not null
)

select * from described_customers
