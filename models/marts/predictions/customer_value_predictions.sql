-- grain: one row per customer_id with an order or a contract
with

histories as (
    select * from {{ ref('clv_histories') }}
),

scores as (
    select * from {{ ref('clv_scores') }}
),

fits as (
    select * from {{ ref('clv_fits') }}
),

spells as (
    select * from {{ ref('clv_contract_spells') }}
    where is_current
),

subscription_months as (
    select * from {{ ref('fct_subscription_months') }}
    where customer_id is not null
),

customers as (
    select * from {{ ref('dim_customers') }}
),

contract_scores as (
    select * from {{ ref('clv_contract_scores') }}
),

-- Where no contract can be valued, the 0 of those that have ended would be all there is.
valued_contracts as (
    select count(*) > 0 as are_valued from contract_scores
),

run as (
    select
        moments.as_of,
        snapshots.snapshot_date
    from {{ ref('stg_raw__as_of') }} as moments
    cross join {{ ref('clv_snapshots') }} as snapshots
    where snapshots.is_current
),

-- Gamma-Gamma: an order is Gamma(p, rate) distributed, and the rate Gamma(q, v) over customers.
spend as (
    select
        max(case when fits.parameter = 'p' then fits.estimate end) as p,
        max(case when fits.parameter = 'q' then fits.estimate end) as q,
        max(case when fits.parameter = 'v' then fits.estimate end) as v
    from fits
    inner join run on fits.snapshot_date = run.snapshot_date
    where fits.model = 'gamma_gamma'
),

aged_histories as (
    select
        histories.*,
        {{ days_from('histories.first_ordered_date', 'run.snapshot_date') }} as age_days
    from histories
    cross join run
),

-- What a repeat order day brings on average, for where the fitted mean is infinite (q of 1 or less).
usual_spend as (
    select cast(sum(repeat_value_amount) as double) / nullif(sum(valued_frequency), 0) as mean_value
    from histories
),

orders_forecasts as (
    select
        aged_histories.customer_id,
        aged_histories.frequency,
        aged_histories.recency_days,
        aged_histories.age_days,
        cast(aged_histories.repeat_value_amount as double) / nullif(aged_histories.valued_frequency, 0)
            as mean_order_value,
        scores.model,
        scores.probability_active,
        scores.expected_orders,
        scores.discounted_orders,
        scores.low_factor,
        scores.high_factor,
        -- The customer's own mean, drawn towards that of all customers the more the fewer orders there are.
        case
            when spend.p * aged_histories.valued_frequency + spend.q > 1
                then spend.p * (spend.v + cast(coalesce(aged_histories.repeat_value_amount, 0) as double))
                    / (spend.p * aged_histories.valued_frequency + spend.q - 1)
            when spend.q is not null then usual_spend.mean_value
        end as expected_order_value
    from aged_histories
    cross join spend
    cross join usual_spend
    left join scores
        on aged_histories.segment = scores.segment
            and aged_histories.frequency = scores.frequency
            and aged_histories.recency_days = scores.recency_days
            and aged_histories.age_days = scores.age_days
),

-- Models are fitted on months that are over; which contracts run, and at what price, is known up to as_of.
contracts as (
    select
        subscription_months.customer_id,
        false as is_lost,
        subscription_months.closing_mrr as mrr_amount,
        coalesce(spells.renewal_count, 0) as renewal_count
    from subscription_months
    inner join run on subscription_months.month_start = cast(date_trunc('month', run.snapshot_date) as date)
    left join spells on subscription_months.subscription_id = spells.subscription_id and not spells.is_lost
    where subscription_months.closing_mrr > 0

    union all

    -- Whoever had one is worth nothing by it, unless it runs; also who passed it on to somebody else.
    select
        customer_id,
        true as is_lost,
        closing_mrr as mrr_amount,
        0 as renewal_count
    from subscription_months
    where closing_mrr > 0
),

-- Sums of decimals do not depend on the order of their rows.
contract_forecasts as (
    select
        contracts.customer_id,
        bool_or(not contracts.is_lost) as is_subscribed,
        {%- for end in ['', '_low', '_high'] %}
        case when bool_and(contracts.is_lost or contract_scores.discounted_months{{ end }} is not null) then
            cast(
                sum(
                    cast(
                        case
                            when contracts.is_lost then 0
                            else contracts.mrr_amount * contract_scores.discounted_months{{ end }}
                        end as decimal(38, 12)
                    )
                ) as double
            )
        end as contract_value{{ end }}{{ ',' if not loop.last }}
        {%- endfor %}
    from contracts
    left join contract_scores on contracts.renewal_count = contract_scores.renewal_count
    group by contracts.customer_id
),

forecasts as (
    select
        coalesce(orders_forecasts.customer_id, contract_forecasts.customer_id) as customer_id,
        case
            when contract_forecasts.is_subscribed or orders_forecasts.customer_id is null
                then 'shifted_beta_geometric'
            else orders_forecasts.model
        end as model,
        orders_forecasts.frequency,
        orders_forecasts.recency_days,
        orders_forecasts.age_days,
        orders_forecasts.mean_order_value,
        case
            when contract_forecasts.is_subscribed then 1
            when orders_forecasts.customer_id is null then 0
            else orders_forecasts.probability_active
        end as probability_active,
        orders_forecasts.expected_orders,
        orders_forecasts.expected_order_value,
        -- Whoever orders and pays a contract is worth both; what is unknown of one is unknown of the sum.
        {%- for end, factor in [('', '1'), ('_low', 'low_factor'), ('_high', 'high_factor')] %}
        case
            when orders_forecasts.customer_id is null then case when valued_contracts.are_valued then 0 end
            else orders_forecasts.discounted_orders * orders_forecasts.expected_order_value * {{ factor }}
        end
        + case
            when contract_forecasts.customer_id is null then 0
            else contract_forecasts.contract_value{{ end }}
        end as predicted_clv{{ end }}{{ ',' if not loop.last }}
        {%- endfor %}
    from orders_forecasts
    full outer join contract_forecasts on orders_forecasts.customer_id = contract_forecasts.customer_id
    cross join valued_contracts
),

ranked_forecasts as (
    select
        *,
        ceil(5 * cume_dist() over (partition by predicted_clv is null order by predicted_clv nulls last)) as fifth
    from forecasts
)

select
    ranked_forecasts.customer_id,
    run.as_of,
    {{ reporting_date('run.as_of') }} as as_of_date,
    customers.segment,
    customers.country,
    customers.acquisition_channel,
    ranked_forecasts.model,
    ranked_forecasts.frequency,
    ranked_forecasts.recency_days,
    ranked_forecasts.age_days,
    ranked_forecasts.mean_order_value,
    cast(ranked_forecasts.probability_active as double) as probability_active,
    ranked_forecasts.expected_orders,
    ranked_forecasts.expected_order_value,
    ranked_forecasts.predicted_clv,
    ranked_forecasts.predicted_clv_low,
    ranked_forecasts.predicted_clv_high,
    case when ranked_forecasts.predicted_clv is not null then
            'q' || cast(cast(ranked_forecasts.fifth as int) as {{ dbt.type_string() }})
    end as clv_band
from ranked_forecasts
cross join run
left join customers on ranked_forecasts.customer_id = customers.customer_id
