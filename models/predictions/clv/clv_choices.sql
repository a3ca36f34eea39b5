-- grain: one row per segment: the model that told its customers' past holdouts best
{#- Of models that are as good. #}
{%- set by_preference = ['bg_nbd', 'mbg_nbd', 'pareto_nbd', 'nbd'] %}
with

cells as (
    select distinct segment
    from {{ ref('clv_cells') }}
),

fits as (
    select * from {{ ref('clv_fits') }}
),

snapshots as (
    select * from {{ ref('clv_snapshots') }}
    where is_current
),

backtests as (
    select
        segment,
        fitted_on,
        model,
        cast(sum(cast(holdout_log_likelihood as decimal(38, 12))) as double) as holdout_log_likelihood,
        count(*) as backtest_count
    from {{ ref('clv_backtests') }}
    group by segment, fitted_on, model
),

current_fits as (
    select
        fits.fitted_on,
        fits.model,
        -- Akaike: a model of more parameters has to be that much likelier.
        2 * count(*) - 2 * max(fits.log_likelihood) as information_criterion
    from fits
    inner join snapshots on fits.snapshot_date = snapshots.snapshot_date
    where
        fits.model in {{ sql_text_list(by_preference) }}
        and fits.is_converged
    group by fits.fitted_on, fits.model
),

-- A segment too small to be judged by itself goes by the past of everybody.
judged_segments as (
    select
        cells.segment,
        coalesce(min(backtests.segment), '(all)') as judged_on
    from cells
    left join backtests on cells.segment = backtests.segment
    group by cells.segment
),

-- A model fitted more often comes first: a sum over fewer holdouts is larger without being better.
ranked_candidates as (
    select
        judged_segments.segment,
        current_fits.fitted_on,
        current_fits.model,
        backtests.holdout_log_likelihood,
        coalesce(backtests.backtest_count, 0) as backtest_count,
        row_number() over (
            partition by judged_segments.segment
            order by
                coalesce(backtests.backtest_count, 0) desc,
                backtests.holdout_log_likelihood desc nulls last,
                -- Without a past the likelihood of the histories decides, which only those of everybody have in common.
                case when current_fits.fitted_on = '(all)' then 0 else 1 end,
                current_fits.information_criterion,
                case current_fits.model
                    {%- for model in by_preference %}
                    when '{{ model }}' then {{ loop.index }}
                    {%- endfor %}
                end
        ) as candidate_rank
    from judged_segments
    inner join current_fits on current_fits.fitted_on in ('(all)', judged_segments.segment)
    left join backtests
        on judged_segments.judged_on = backtests.segment
            and current_fits.fitted_on = backtests.fitted_on
            and current_fits.model = backtests.model
)

select
    segment,
    fitted_on,
    model,
    holdout_log_likelihood,
    backtest_count
from ranked_candidates
where candidate_rank = 1
