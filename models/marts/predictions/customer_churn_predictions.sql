-- grain: one row per customer_id active at as_of
with

active_customers as (
    select * from {{ ref('churn_features') }}
    where is_current
),

scores as (
    select * from {{ ref('churn_scores') }}
),

customer_values as (
    select * from {{ ref('customer_value_predictions') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
)

select
    active_customers.customer_id,
    run.as_of,
    run.as_of_date,
    customers.segment,
    customers.country,
    active_customers.is_subscribed,
    cast(scores.model as {{ dbt.type_string() }}) as model,
    cast(scores.churn_probability as double) as churn_probability,
    {{ risk_band('scores.churn_probability') }} as risk_band,
    cast(scores.reason_1 as {{ dbt.type_string() }}) as reason_1,
    cast(scores.reason_2 as {{ dbt.type_string() }}) as reason_2,
    cast(scores.reason_3 as {{ dbt.type_string() }}) as reason_3,
    customer_values.predicted_clv,
    scores.churn_probability * customer_values.predicted_clv as value_at_risk
from active_customers
cross join run
left join scores on active_customers.customer_id = scores.customer_id
left join customer_values on active_customers.customer_id = customer_values.customer_id
left join customers on active_customers.customer_id = customers.customer_id
