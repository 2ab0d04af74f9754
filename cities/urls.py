from django.urls import path

from cities.views import answer, evidence, submission

app_name = "submission"
urlpatterns = [
    path("<int:pk>/", submission.tasks, name="tasks"),
    path("<int:pk>/i/<str:code>/", answer.answer, name="answer"),
    path("<int:pk>/i/<str:code>/history/", answer.history, name="history"),
    path("<int:pk>/evidence/", evidence.catalogue, name="catalogue"),
    path("<int:pk>/evidence/<int:evidence>/", evidence.download, name="evidence"),
    path("<int:pk>/evidence/<int:evidence>/delete/", evidence.delete, name="evidence_delete"),
    path("<int:pk>/check/", submission.check, name="check"),
    path("<int:pk>/submit/", submission.submit, name="submit"),
    path("<int:pk>/receipt/", submission.receipt, name="receipt"),
]
