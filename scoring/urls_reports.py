from django.urls import path

from scoring.views import reports

app_name = "reports"
# Under results/, before the addresses of the pages: there a city's code takes the rest of the path.
urlpatterns = [
    path("<str:code>/report/", reports.round_, name="round"),
    path("<str:code>/city/<path:city>/report/", reports.city, name="city"),
    path("<str:code>/documents/", reports.documents, name="documents"),
    path("<str:code>/documents/<int:pk>/", reports.job, name="job"),
    path("<str:code>/documents/<int:pk>/file/", reports.file, name="file"),
]
