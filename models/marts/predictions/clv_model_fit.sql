-- grain: one row per model and parameter, fitted on all customers as of the run
with

fits as (
    select * from {{ ref('clv_fits') }}
    where fitted_on = '(all)'
),

snapshots as (
    select * from {{ ref('clv_snapshots') }}
    where is_current
)

select
    fits.model,
    fits.parameter,
    fits.estimate,
    fits.standard_error,
    fits.estimate_low,
    fits.estimate_high,
    fits.bootstrap_standard_error,
    fits.log_likelihood,
    fits.customer_count,
    fits.is_converged,
    fits.gradient_norm,
    fits.is_at_boundary,
    fits.note
from fits
inner join snapshots on fits.snapshot_date = snapshots.snapshot_date
