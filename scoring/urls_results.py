from django.urls import path

from scoring.views import results

app_name = "results"
# A city's or an indicator's code may be any text, also one with a slash.
urlpatterns = [
    path("", results.index, name="index"),
    path("<str:code>/", results.overview, name="overview"),
    path("<str:code>/city/<path:city>/", results.city, name="city"),
    path("<str:code>/compare/", results.compare, name="compare"),
    path("<str:code>/i/<path:node>/", results.indicator, name="indicator"),
    path("<str:code>/method/", results.method, name="method"),
    path("<str:code>/export/", results.export, name="export"),
]
