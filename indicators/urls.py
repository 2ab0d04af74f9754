"""Pages of the frameworks, under `framework/`."""

from django.urls import path

from indicators.views import pages

app_name = "framework"
urlpatterns = [
    path("", pages.framework_list, name="list"),
    path("<str:code>/<str:edition>/", pages.framework_detail, name="detail"),
    path("<str:code>/<str:edition>/export/", pages.framework_export, name="export"),
]
