from django.urls import path

from scoring.views import (
    agreement,
    analysis,
    explain,
    export,
    method,
    publishing,
    results,
    results_change,
    results_city,
    results_compare,
    results_indicator,
    results_overview,
)

app_name = "results"
# A city's or an indicator's code may be any text, also one with a slash.
urlpatterns = [
    path("", results.index, name="index"),
    path("<str:code>/", results_overview.overview, name="overview"),
    path("<str:code>/snapshots/<int:pk>/", publishing.snapshot, name="snapshot"),
    path("<str:code>/city/<path:city>/why/<path:node>/", explain.why, name="why"),
    path("<str:code>/city/<path:city>/improve/", analysis.improve, name="improve"),
    path("<str:code>/city/<path:city>/what-if/", analysis.try_values, name="what_if"),
    path("<str:code>/city/<path:city>/", results_city.city, name="city"),
    path("<str:code>/heat/", results_overview.heat, name="heat"),
    path("<str:code>/change/", results_change.change, name="change"),
    path("<str:code>/compare/", results_compare.compare, name="compare"),
    path("<str:code>/i/<path:node>/", results_indicator.indicator, name="indicator"),
    path("<str:code>/robust/", analysis.robust, name="robust"),
    path("<str:code>/framework/", analysis.framework, name="framework"),
    path("<str:code>/agreement/", agreement.page, name="agreement"),
    path("<str:code>/method/", method.page, name="method"),
    path("<str:code>/method/inputs.json", method.inputs, name="method_inputs"),
    path("<str:code>/method/results.csv", method.table, name="method_table"),
    path("<str:code>/method/framework.xlsx", method.framework, name="method_framework"),
    path("<str:code>/export/", export.export, name="export"),
]
