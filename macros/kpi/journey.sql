{#- Business predicates and windows of the journey across channels and of advertising. -#}

{#- Channels of contacts that are a digital touch; the web itself is known from its sessions. -#}
{% macro digital_contact_channels() -%}
    ('chat', 'messaging', 'email', 'social', 'web_form', 'forum', 'app')
{%- endmacro %}

{#- A ticket that was opened by phone is not known to have been a call. -#}
{% macro is_call(contact_source, channel) -%}
    ({{ contact_source }} = 'interaction' and {{ channel }} = 'phone')
{%- endmacro %}

{% macro digital_to_call_window() -%}
    {{ var('digital_to_call_window_hours') }} * interval '1' hour
{%- endmacro %}

{#- Spent on one article this long, a reader has most likely found something. -#}
{% macro read_article_seconds() -%}
    30
{%- endmacro %}

{#- A purchase this long after a support session is still owed to it. -#}
{% macro support_assist_hours() -%}
    24
{%- endmacro %}

{#- Without a click id, a click has started the visitor's next session if that begins this soon. -#}
{% macro click_to_session_minutes() -%}
    30
{%- endmacro %}

{% macro is_ad_click(event_type) -%}
    {{ event_type }} in ('click', 'email_click')
{%- endmacro %}

{#- Seen as far as anybody knows: only what was measured as not viewable is no impression. -#}
{% macro is_ad_impression(event_type, is_viewable) -%}
    (
        {{ event_type }} = 'email_open'
        or ({{ event_type }} = 'impression' and {{ is_viewable }} is not false)
    )
{%- endmacro %}
