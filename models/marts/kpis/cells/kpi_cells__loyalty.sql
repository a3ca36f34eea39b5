-- grain: one row per KPI, period, dimension and member of loyalty members and of points by reward type
with

loyalty_events as (
    select * from {{ ref('fct_loyalty_events') }}
),

memberships as (
    select * from {{ ref('int_loyalty__memberships') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),


-- A program counts its own members; all other rows count a customer of several programs once.
member_spans as (
    {%- for dimension, is_any_program, member in [
        ('overall', 'true', "'overall'"), ('segment', 'true', dimension_member('segment')),
        ('program', 'false', dimension_member('program')),
    ] %}
    select
        memberships.customer_id,
        memberships.program_id,
        memberships.is_any_program,
        memberships.member_from,
        memberships.member_until,
        '{{ dimension }}' as dimension_name,
        {{ member }} as dimension_value
    from memberships
    left join customers on memberships.customer_id = customers.customer_id
    where memberships.is_any_program = {{ is_any_program }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

moves as (
    select
        member_from as moved_date,
        dimension_name,
        dimension_value,
        1 as member_count
    from member_spans

    union all

    select
        member_until as moved_date,
        dimension_name,
        dimension_value,
        -1 as member_count
    from member_spans
    where member_until is not null
),

{{ period_stock_ctes('moves', ['member_count'], ['segment', 'program']) }},  -- noqa: PRS

program_activity as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('event_date', grain) }} as period_start,
        customer_id,
        program_id,
        max(case when event_type = 'redeem' then 1 else 0 end) as has_redeemed
    from loyalty_events
    where event_type in ('earn', 'redeem') and customer_id is not null
    group by {{ period_start('event_date', grain) ~ ', ' if grain != 'all' }}customer_id, program_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Members at the period's end alone, and active in the program that they are members of.
active_members as (
    select
        program_activity.period_grain,
        program_activity.period_start,
        program_activity.customer_id,
        program_activity.program_id,
        customers.segment,
        program_activity.has_redeemed
    from program_activity
    inner join stock_periods
        on program_activity.period_grain = stock_periods.period_grain
            and program_activity.period_start = stock_periods.period_start
    inner join memberships
        on program_activity.customer_id = memberships.customer_id
            and program_activity.program_id is not distinct from memberships.program_id
            and not memberships.is_any_program
            and memberships.member_from < stock_periods.next_start
            and (memberships.member_until is null or memberships.member_until >= stock_periods.next_start)
    left join customers on program_activity.customer_id = customers.customer_id
),

counted_members as (
    {%- for dimension, member in [
        ('overall', "'overall'"), ('segment', dimension_member('segment')),
        ('program', dimension_member('program')),
    ] %}
    select
        period_grain,
        period_start,
        '{{ dimension }}' as dimension_name,
        {{ member }} as dimension_value,
        count(distinct customer_id) as active_count,
        count(distinct case when has_redeemed = 1 then customer_id end) as redeemer_count
    from active_members
    group by period_grain, period_start, {{ member }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

member_shares as (
    {%- for kpi_id, count in [
        ('loyalty_redeemer_share', 'redeemer_count'), ('loyalty_active_share', 'active_count'),
    ] %}
    select
        '{{ kpi_id }}' as kpi_id,
        'share' as kind,
        period_stocks.period_grain,
        period_stocks.period_start,
        period_stocks.dimension_name,
        period_stocks.dimension_value,
        cast(coalesce(counted_members.{{ count }}, 0) as double) as numerator,
        cast(period_stocks.closing_member_count as double) as denominator,
        cast(period_stocks.closing_member_count as bigint) as sample_size
    from period_stocks
    left join counted_members
        on period_stocks.period_grain = counted_members.period_grain
            and period_stocks.period_start = counted_members.period_start
            and period_stocks.dimension_name = counted_members.dimension_name
            and period_stocks.dimension_value = counted_members.dimension_value
    where period_stocks.closing_member_count > 0
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Points are not earned for a reward, so every reward type is measured against all that were earned.
redeemed_points as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('event_date', grain) }} as period_start,
        {{ dimension_member('reward_type') }} as dimension_value,
        sum(cast(redeemed_points as decimal(38, 12))) as redeemed_points
    from loyalty_events
    where redeemed_points is not null
    group by
        {{ period_start('event_date', grain) ~ ', ' if grain != 'all' }}
        {{- dimension_member('reward_type') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

earned_points as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('event_date', grain) }} as period_start,
        sum(cast(earned_points as decimal(38, 12))) as earned_points,
        count(earned_points) as earning_count
    from loyalty_events
    where earned_points is not null
    {{ 'group by ' ~ period_start('event_date', grain) if grain != 'all' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

reward_rates as (
    select
        'loyalty_redemption_rate' as kpi_id,
        'ratio' as kind,
        redeemed_points.period_grain,
        redeemed_points.period_start,
        'reward_type' as dimension_name,
        redeemed_points.dimension_value,
        cast(redeemed_points.redeemed_points as double) as numerator,
        cast(earned_points.earned_points as double) as denominator,
        cast(earned_points.earning_count as bigint) as sample_size
    from redeemed_points
    inner join earned_points
        on redeemed_points.period_grain = earned_points.period_grain
            and redeemed_points.period_start = earned_points.period_start
    where earned_points.earned_points <> 0
),

cells as (
    select
        *,
        1e0 as scale,
        cast(null as double) as standard_error
    from member_shares

    union all

    select
        *,
        1e0 as scale,
        cast(null as double) as standard_error
    from reward_rates
)

{{ measured_cells('cells') }}
