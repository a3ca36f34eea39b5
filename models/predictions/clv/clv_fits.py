"""Grain: one row per snapshot_date, fitted_on, model and parameter."""


def model(dbt, session):
    from outside_in.clv.fits import fit_table
    from outside_in.frames import read

    dbt.config(materialized="kept")
    return fit_table(
        read(dbt.ref("clv_snapshots")),
        read(dbt.ref("clv_cells").filter("fitted_customer_count > 0")),
        read(dbt.ref("clv_past_cells")),
        read(dbt.ref("clv_spend_cells")),
        read(dbt.ref("clv_contract_cells")),
    )
