"""What the scoring room shows a city under /s/: its provisional result, its appeals, its trail."""

from django.urls import path

from scoring.views import appeals, trail

app_name = "appeals"
urlpatterns = [
    path("<int:pk>/provisional/", appeals.result, name="result"),
    path("<int:pk>/appeal/", appeals.index, name="list"),
    path("<int:pk>/appeal/<str:code>/", appeals.new, name="new"),
    path("<int:pk>/appeal/<int:appeal>/withdraw/", appeals.withdraw, name="withdraw"),
    path("<int:pk>/trail/", trail.trail, name="trail"),
]
