"""Grain: one row per renewal_count of the contracts that run now, and for 0."""


def model(dbt, session):
    from outside_in.clv.scores import contract_score_table
    from outside_in.frames import read

    dbt.config(materialized="kept")
    return contract_score_table(
        read(dbt.ref("clv_contract_cells")),
        read(dbt.ref("clv_fits")),
        horizon_months=int(dbt.config.get("horizon_months")),
        annual_discount_rate=float(dbt.config.get("annual_discount_rate")),
    )
