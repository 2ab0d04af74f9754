"""Open data. A code of a city or an indicator may hold a slash: it only ever stands in the query."""

from django.urls import path

from scoring.api.data import PARTS
from scoring.views import api

app_name = "api"
_ROUND, _SNAPSHOT = "v1/rounds/<str:code>/", "v1/rounds/<str:code>/snapshots/<int:snapshot>/"
urlpatterns = [
    path("", api.page, name="page"),
    path("v1/", api.index, name="index"),
    path("v1/openapi.json", api.openapi_document, name="openapi"),
    path("v1/rounds.json", api.rounds_json, name="rounds_json"),
    path("v1/rounds.csv", api.rounds_csv, name="rounds_csv"),
    path(_ROUND, api.round_, name="round"),
    path(_SNAPSHOT, api.round_, name="snapshot_round"),
    *(path(_ROUND + part, getattr(api, name), name=name) for part, name in PARTS.items()),
    *(path(_SNAPSHOT + part, getattr(api, name), name=f"snapshot_{name}") for part, name in PARTS.items()),
    path("<path:rest>", api.nothing, name="nothing"),
]
