"""Every address of the site. Rooms own their own."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from cities.views import invitations
from scoring.views import home

urlpatterns = [
    path("", home.home, name="home"),
    path("help/", home.help_page, name="help"),
    path("health", home.health, name="health"),
    path("ready", home.ready, name="ready"),
    path("csp", home.csp_report, name="csp_report"),
    path("i18n/setlang/", login_not_required(set_language), name="set_language"),
    path("account/", include("accounts.urls")),
    path("notifications/", include("accounts.urls_notices")),
    path("framework/", include("indicators.urls")),
    path("s/", include("cities.urls")),
    path("join/<str:token>/", invitations.join, name="join"),
    path("s/", include("scoring.urls_city")),
    path("moderation/", include("scoring.urls_moderation")),
    path("review/", include("scoring.urls_review")),
    path("results/", include("scoring.urls_reports")),
    path("results/", include("scoring.urls_results")),
    path("api/", include("scoring.urls_api")),
    path("visits/", include("scoring.urls_visits")),
    path("cases/", include("scoring.urls_cases")),
    path("manage/", include("scoring.urls_manage")),
    path("admin/", admin.site.urls),
]
handler403 = "config.error_views.forbidden"
handler404 = "config.error_views.not_found"
handler500 = "config.error_views.server_error"
