from django.urls import path

from scoring.views import visits

app_name = "visits"
urlpatterns = [
    path("", visits.index, name="index"),
    path("new/<int:submission>/", visits.new, name="new"),
    path("<int:pk>/", visits.visit, name="visit"),
    path("<int:pk>/edit/", visits.edit, name="edit"),
    path("<int:pk>/notes/", visits.note_add, name="note_add"),
    path("<int:pk>/photos/", visits.photo_add, name="photo_add"),
    path("<int:pk>/photos/<int:photo>/", visits.photo, name="photo"),
    path("<int:pk>/summary/", visits.summary, name="summary"),
    path("<int:pk>/report/", visits.report, name="report"),
]
