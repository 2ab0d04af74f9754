from django.urls import path

from scoring.views import review

app_name = "review"
urlpatterns = [
    path("", review.index, name="index"),
    path("<int:assignment>/i/<str:code>/", review.mark, name="mark"),
    path("<int:assignment>/finish/", review.finish, name="finish"),
]
