from django.urls import path

from scoring.views import appeals, moderation

app_name = "moderation"
urlpatterns = [
    path("", moderation.index, name="index"),
    path("<str:round_code>/", moderation.queue, name="queue"),
    path("<str:round_code>/appeals/", appeals.queue, name="appeals"),
    path("<str:round_code>/appeals/<int:appeal>/", appeals.decide, name="appeal"),
    path("<str:round_code>/release/<int:snapshot>/", appeals.release, name="release"),
    path("<str:round_code>/<int:submission>/<str:code>/", moderation.cell, name="cell"),
    path("<str:round_code>/<int:submission>/<str:code>/ask/", moderation.ask, name="ask"),
    path("<str:round_code>/<int:submission>/<str:code>/accept/", moderation.accept, name="accept"),
    path("<str:round_code>/<int:submission>/<str:code>/rule/", moderation.rule, name="rule"),
]
