{#- Business predicates of web KPIs. -#}

{% macro support_page_types() -%}
    ('support_home', 'support_article', 'support_search', 'contact')
{%- endmacro %}

{#- The host of an address, with or without a scheme; null where there is none. -#}
{% macro web_host(address) -%}
    nullif(regexp_extract(lower(trim({{ address }})), '^([a-z][a-z0-9+.-]*://|//)?([^/?#:]+)', 2), '')
{%- endmacro %}

{% macro without_www(host) -%}
    case when {{ host }} like 'www.%' then substr({{ host }}, 5) else {{ host }} end
{%- endmacro %}

{#- What was measured of a page view is all within the limits of Core Web Vitals; null where nothing was. -#}
{% macro has_good_vitals(lcp_ms, inp_ms, cls) -%}
    case
        when coalesce({{ lcp_ms }}, {{ inp_ms }}, {{ cls }}) is not null
            then coalesce({{ lcp_ms }} <= 2500, true)
                and coalesce({{ inp_ms }} <= 200, true)
                and coalesce({{ cls }} <= 0.1, true)
    end
{%- endmacro %}

{#- The primary subtag of a BCP 47 language: pt of pt-BR. -#}
{% macro primary_language(language) -%}
    nullif(split_part(replace(lower(trim({{ language }})), '_', '-'), '-', 1), '')
{%- endmacro %}
