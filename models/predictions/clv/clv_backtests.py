"""Grain: one row per snapshot_date, segment, fitted_on and model."""


def model(dbt, session):
    from outside_in.clv.backtests import backtest_table
    from outside_in.frames import read

    dbt.config(materialized="kept")
    return backtest_table(
        read(dbt.ref("clv_past_cells")), read(dbt.ref("clv_contract_cells")), read(dbt.ref("clv_fits"))
    )
