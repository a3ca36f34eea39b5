{#- Business predicates and thresholds of orders, subscriptions, delivery and returns. -#}

{#- An order counts as returned when its return follows it within this many days of 24 hours. -#}
{% macro return_window_days() -%}
    30
{%- endmacro %}

{#- A cancelled order is none; an unknown status may be any. -#}
{% macro is_order(status) -%}
    coalesce({{ status }}, 'unknown') <> 'cancelled'
{%- endmacro %}

{#- A subscription runs on after every event but these. -#}
{% macro is_running(event_type) -%}
    {{ event_type }} not in ('pause', 'cancel')
{%- endmacro %}

{#- Orders that can come back: on their way or there; an unknown status may be either. -#}
{% macro is_sent_status(status) -%}
    coalesce({{ status }}, 'unknown') in ('shipped', 'delivered', 'unknown')
{%- endmacro %}

{#- Reasons that say the product was not as it should be. -#}
{% macro is_defect(reason) -%}
    coalesce({{ reason }} in ('defective', 'damaged', 'not_as_described'), false)
{%- endmacro %}
