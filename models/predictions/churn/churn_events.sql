-- grain: one row per event of a customer and kind of event: what may tell a stay from a departure
with

orders as (
    select * from {{ ref('fct_orders') }}
    where is_order and customer_id is not null
),

contacts as (
    select * from {{ ref('fct_contacts') }}
    where customer_id is not null
),

interactions as (
    select * from {{ ref('fct_interactions') }}
    where is_offered and customer_id is not null
),

answers as (
    select * from {{ ref('fct_survey_responses') }}
    where customer_id is not null
),

shipments as (
    select
        *,
        {{ first_instant('promised_date + 1') }} as promise_ends_at
    from {{ ref('fct_shipments') }}
    where customer_id is not null
),

returned_items as (
    select * from {{ ref('fct_returns') }}
    where customer_id is not null
),

sessions as (
    select * from {{ ref('int_web__sessions') }}
    where customer_id is not null
),

web_events as (
    select * from {{ ref('int_web__events') }}
    where customer_id is not null
),

loyalty_events as (
    select * from {{ ref('fct_loyalty_events') }}
    where customer_id is not null
),

subscription_events as (
    select * from {{ ref('stg_raw__subscription_events') }}
    where customer_id is not null
),

identities as (
    select * from {{ ref('stg_raw__customer_identities') }}
),

raw_orders as (
    select * from {{ ref('stg_raw__orders') }}
),

raw_interactions as (
    select * from {{ ref('stg_raw__interactions') }}
),

raw_tickets as (
    select * from {{ ref('stg_raw__tickets') }}
),

-- Rows that do not name their customer, and the identity that does.
anonymous_rows as (
    select
        'order' as row_type,
        order_id as row_id,
        visitor_id as identity_value
    from raw_orders
    where customer_id is null

    union all

    select
        'interaction' as row_type,
        interaction_id as row_id,
        contact_address as identity_value
    from raw_interactions
    where customer_id is null

    union all

    select
        'ticket' as row_type,
        ticket_id as row_id,
        contact_address as identity_value
    from raw_tickets
    where customer_id is null

    union all

    select
        'session' as row_type,
        session_key as row_id,
        visitor_id as identity_value
    from sessions
    where not exists (
            select 1 from web_events
            where web_events.session_key = sessions.session_key
        )
),

links as (
    select
        anonymous_rows.row_type,
        anonymous_rows.row_id,
        identities.customer_id,
        min(coalesce(identities.linked_at, cast('1970-01-01' as timestamp))) as linked_at
    from anonymous_rows
    inner join identities on anonymous_rows.identity_value = identities.identity_value
    group by anonymous_rows.row_type, anonymous_rows.row_id, identities.customer_id
),

linked_orders as (
    select
        orders.*,
        links.linked_at
    from orders
    left join links
        on links.row_type = 'order' and orders.order_id = links.row_id
            and orders.customer_id = links.customer_id
),

linked_contacts as (
    select
        contacts.*,
        links.linked_at
    from contacts
    left join links
        on contacts.contact_source = links.row_type
            and coalesce(contacts.interaction_id, contacts.ticket_id) = links.row_id
            and contacts.customer_id = links.customer_id
),

-- An interaction is over when it has ended; how long it waited is not known before.
linked_interactions as (
    select
        interactions.*,
        greatest(
            interactions.started_at,
            coalesce(interactions.answered_at, interactions.started_at),
            coalesce(interactions.ended_at, interactions.started_at)
        ) as over_at,
        links.linked_at
    from interactions
    left join links
        on links.row_type = 'interaction' and interactions.interaction_id = links.row_id
            and interactions.customer_id = links.customer_id
),

linked_sessions as (
    select
        sessions.*,
        links.linked_at
    from sessions
    left join links
        on links.row_type = 'session' and sessions.session_key = links.row_id
            and sessions.customer_id = links.customer_id
),

-- A parcel is late as soon as its promised day is over, whether or not it ever comes.
late_shipments as (
    select
        shipments.*,
        linked_orders.linked_at
    from shipments
    left join linked_orders on shipments.order_id = linked_orders.order_id
    where coalesce(shipments.delivered_at, shipments.promise_ends_at) >= shipments.promise_ends_at
)

select
    customer_id,
    'order' as kind,
    ordered_at as happened_at,
    linked_at,
    cast(revenue_amount as decimal(28, 8)) as value
from linked_orders

union all

select
    customer_id,
    'contact' as kind,
    started_at as happened_at,
    linked_at,
    cast(null as decimal(28, 8)) as value
from linked_contacts

union all

select
    customer_id,
    'wait' as kind,
    over_at as happened_at,
    linked_at,
    cast(waiting_seconds / 6e1 as decimal(28, 8)) as value
from linked_interactions
where waiting_seconds is not null

union all

select
    customer_id,
    'abandoned' as kind,
    over_at as happened_at,
    linked_at,
    cast(null as decimal(28, 8)) as value
from linked_interactions
where is_queue_abandoned

union all

select
    customer_id,
    survey_type as kind,
    responded_at as happened_at,
    cast(null as timestamp) as linked_at,
    cast(coalesce(nps_score, csat_points, ces_points) as decimal(28, 8)) as value
from answers
where coalesce(nps_score, csat_points, ces_points) is not null

union all

select
    shipments.customer_id,
    'delivery' as kind,
    shipments.delivered_at as happened_at,
    linked_orders.linked_at,
    cast(shipments.delivery_days as decimal(28, 8)) as value
from shipments
left join linked_orders on shipments.order_id = linked_orders.order_id
where shipments.delivered_at is not null

union all

select
    customer_id,
    'late_delivery' as kind,
    promise_ends_at as happened_at,
    linked_at,
    cast(null as decimal(28, 8)) as value
from late_shipments

union all

select
    returned_items.customer_id,
    'return' as kind,
    returned_items.returned_at as happened_at,
    linked_orders.linked_at,
    cast(null as decimal(28, 8)) as value
from returned_items
left join linked_orders on returned_items.order_id = linked_orders.order_id

union all

select
    customer_id,
    'session' as kind,
    last_event_at as happened_at,
    linked_at,
    cast(null as decimal(28, 8)) as value
from linked_sessions

union all

select
    customer_id,
    'support_session' as kind,
    last_event_at as happened_at,
    linked_at,
    cast(null as decimal(28, 8)) as value
from linked_sessions
where is_support_session

union all

select
    customer_id,
    case event_type when 'earn' then 'points_earned' else 'points_redeemed' end as kind,
    event_at as happened_at,
    cast(null as timestamp) as linked_at,
    cast(points as decimal(28, 8)) as value
from loyalty_events
where event_type in ('earn', 'redeem')

union all

select
    customer_id,
    'subscription' as kind,
    event_at as happened_at,
    cast(null as timestamp) as linked_at,
    cast(null as decimal(28, 8)) as value
from subscription_events

union all

select
    customer_id,
    'pause' as kind,
    event_at as happened_at,
    cast(null as timestamp) as linked_at,
    cast(null as decimal(28, 8)) as value
from subscription_events
where event_type in ('pause', 'cancel')
