from django.urls import path

from scoring.views import recusals, review, review_phrases, review_supplements

app_name = "review"
urlpatterns = [
    path("", review.index, name="index"),
    path("phrases/", review_phrases.phrases, name="phrases"),
    path("phrases/<int:pk>/remove/", review_phrases.remove, name="phrase_remove"),
    path("<int:assignment>/i/<str:code>/", review.mark, name="mark"),
    path("<int:assignment>/i/<str:code>/ask/", review_supplements.ask, name="ask"),
    path("recusals/", recusals.declare, name="recusals"),
    path("<int:assignment>/recuse/", recusals.recuse, name="recuse"),
    path("<int:assignment>/finish/", review.finish, name="finish"),
]
