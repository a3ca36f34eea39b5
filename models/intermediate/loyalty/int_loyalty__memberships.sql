-- grain: one row per customer, program (or any of them) and uninterrupted time [member_from, member_until)
with

loyalty_events as (
    select * from {{ ref('fct_loyalty_events') }}
    where customer_id is not null
),

numbered_events as (
    select
        *,
        row_number() over (partition by customer_id, program_id order by event_at, event_id) as event_number,
        count(case when event_type = 'enroll' then 1 end) over (
            partition by customer_id, program_id
        ) as enroll_count
    from loyalty_events
),

-- Who never enrolled on record is a member from the first event on.
turning_points as (
    select
        customer_id,
        program_id,
        event_date,
        case when event_type = 'leave' then 0 else 1 end as is_member,
        row_number() over (
            partition by customer_id, program_id, event_date order by event_at desc, event_id desc
        ) as day_rank
    from numbered_events
    where event_type in ('enroll', 'leave') or (enroll_count = 0 and event_number = 1)
),

-- What holds at the end of a day: no period is shorter.
program_changes as (
    select
        customer_id,
        program_id,
        event_date,
        is_member - coalesce(lag(is_member) over (
            partition by customer_id, program_id order by event_date
        ), 0) as change
    from turning_points
    where day_rank = 1
),

program_counts as (
    select
        customer_id,
        event_date,
        sum(sum(change)) over (
            partition by customer_id order by event_date
            rows between unbounded preceding and current row
        ) as program_count
    from program_changes
    group by customer_id, event_date
),

customer_changes as (
    select
        customer_id,
        event_date,
        least(program_count, 1) - least(coalesce(lag(program_count) over (
            partition by customer_id order by event_date
        ), 0), 1) as change
    from program_counts
),

changes as (
    select
        customer_id,
        program_id,
        false as is_any_program,
        event_date,
        change
    from program_changes
    where change <> 0

    union all

    select
        customer_id,
        cast(null as {{ dbt.type_string() }}) as program_id,
        true as is_any_program,
        event_date,
        change
    from customer_changes
    where change <> 0
),

spans as (
    select
        customer_id,
        program_id,
        is_any_program,
        event_date as member_from,
        lead(event_date) over (
            partition by customer_id, is_any_program, program_id order by event_date
        ) as member_until,
        change
    from changes
)

select
    customer_id,
    program_id,
    is_any_program,
    member_from,
    member_until
from spans
where change > 0
