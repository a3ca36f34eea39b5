"""Grain: one row per segment, frequency, recency_days and age_days of the customers as of now."""


def model(dbt, session):
    from outside_in.clv.scores import score_table
    from outside_in.frames import read

    dbt.config(materialized="kept")
    return score_table(
        read(dbt.ref("clv_snapshots")),
        read(dbt.ref("clv_cells")),
        read(dbt.ref("clv_fits")),
        read(dbt.ref("clv_choices")),
        read(dbt.ref("clv_backtests")),
        annual_discount_rate=float(dbt.config.get("annual_discount_rate")),
    )
