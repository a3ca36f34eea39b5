-- grain: one row per product_id, location_id and stock_date with a snapshot
with

snapshots as (
    select
        product_id,
        location_id,
        channel,
        snapshot_at,
        {{ reporting_date('snapshot_at') }} as stock_date,
        on_hand_quantity
    from {{ ref('stg_raw__inventory_snapshots') }}
),

ranked_snapshots as (
    select
        *,
        row_number() over (
            partition by product_id, location_id, stock_date order by snapshot_at desc
        ) as snapshot_rank
    from snapshots
)

select
    product_id,
    location_id,
    stock_date,
    channel,
    snapshot_at,
    on_hand_quantity,
    on_hand_quantity <= 0 as is_out_of_stock
from ranked_snapshots
where snapshot_rank = 1
