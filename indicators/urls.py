"""Pages of the frameworks, under `framework/`."""

from django.urls import path

from indicators import views

app_name = "framework"
urlpatterns = [
    path("", views.framework_list, name="list"),
    path("<str:code>/<str:edition>/", views.framework_detail, name="detail"),
    path("<str:code>/<str:edition>/export/", views.framework_export, name="export"),
]
