-- grain: one row per event of a customer and kind of event: what may tell a stay from a departure
{%- set unlinked = 'cast(null as timestamp)' %}
{%- set sources = [
    {'rows': 'linked_orders', 'kind': "'order'", 'at': 'ordered_at', 'value': 'revenue_amount'},
    {'rows': 'linked_contacts', 'kind': "'contact'", 'at': 'started_at'},
    {'rows': 'linked_interactions', 'kind': "'wait'", 'at': 'over_at', 'value': 'waiting_seconds / 6e1',
     'where': 'waiting_seconds is not null'},
    {'rows': 'linked_interactions', 'kind': "'abandoned'", 'at': 'over_at', 'where': 'is_queue_abandoned'},
    {'rows': 'answers', 'kind': 'survey_type', 'at': 'responded_at', 'linked_at': unlinked,
     'value': 'coalesce(nps_score, csat_points, ces_points)',
     'where': 'coalesce(nps_score, csat_points, ces_points) is not null'},
    {'rows': 'linked_shipments', 'kind': "'delivery'", 'at': 'delivered_at', 'value': 'delivery_days',
     'where': 'delivered_at is not null'},
    {'rows': 'linked_shipments', 'kind': "'late_delivery'", 'at': 'promise_ends_at',
     'where': 'coalesce(delivered_at, promise_ends_at) >= promise_ends_at'},
    {'rows': 'linked_returns', 'kind': "'return'", 'at': 'returned_at'},
    {'rows': 'linked_sessions', 'kind': "'session'", 'at': 'last_event_at'},
    {'rows': 'linked_sessions', 'kind': "'support_session'", 'at': 'last_event_at', 'where': 'is_support_session'},
    {'rows': 'loyalty_events', 'kind': "'points_earned'", 'at': 'event_at', 'linked_at': unlinked,
     'value': 'points', 'where': "event_type = 'earn'"},
    {'rows': 'loyalty_events', 'kind': "'points_redeemed'", 'at': 'event_at', 'linked_at': unlinked,
     'value': 'points', 'where': "event_type = 'redeem'"},
    {'rows': 'subscription_events', 'kind': "'subscription'", 'at': 'event_at', 'linked_at': unlinked},
    {'rows': 'subscription_events', 'kind': "'pause'", 'at': 'event_at', 'linked_at': unlinked,
     'where': 'not ' ~ is_running('event_type')},
] %}
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
linked_shipments as (
    select
        shipments.*,
        linked_orders.linked_at
    from shipments
    left join linked_orders on shipments.order_id = linked_orders.order_id
),

linked_returns as (
    select
        returned_items.*,
        linked_orders.linked_at
    from returned_items
    left join linked_orders on returned_items.order_id = linked_orders.order_id
)
{% for source in sources %}
select
    customer_id,
    {{ source.kind }} as kind,
    {{ source.at }} as happened_at,
    {{ source.linked_at | default('linked_at') }} as linked_at,
    cast({{ source.value | default('null') }} as decimal(28, 8)) as value
from {{ source.rows }}
{%- if source.where is defined %}
where {{ source.where }}
{%- endif %}
{{ 'union all' if not loop.last }}
{%- endfor %}
