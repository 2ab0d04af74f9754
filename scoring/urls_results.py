from django.urls import path

from scoring.views import agreement, analysis, explain, results

app_name = "results"
# A city's or an indicator's code may be any text, also one with a slash.
urlpatterns = [
    path("", results.index, name="index"),
    path("<str:code>/", results.overview, name="overview"),
    path("<str:code>/city/<path:city>/why/<path:node>/", explain.why, name="why"),
    path("<str:code>/city/<path:city>/improve/", analysis.improve, name="improve"),
    path("<str:code>/city/<path:city>/what-if/", analysis.try_values, name="what_if"),
    path("<str:code>/city/<path:city>/", results.city, name="city"),
    path("<str:code>/compare/", results.compare, name="compare"),
    path("<str:code>/i/<path:node>/", results.indicator, name="indicator"),
    path("<str:code>/robust/", analysis.robust, name="robust"),
    path("<str:code>/framework/", analysis.framework, name="framework"),
    path("<str:code>/agreement/", agreement.page, name="agreement"),
    path("<str:code>/method/", results.method, name="method"),
    path("<str:code>/export/", results.export, name="export"),
]
