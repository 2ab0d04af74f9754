from django.urls import path

from scoring.views import advice, jobs, manage

app_name = "manage"
urlpatterns = [
    path("rounds/", manage.rounds, name="rounds"),
    path("rounds/new/", manage.round_new, name="round_new"),
    path("rounds/<str:code>/", manage.round_detail, name="round"),
    path("rounds/<str:code>/enrol/", manage.enrol, name="enrol"),
    path("rounds/<str:code>/assign/<int:submission>/", manage.assign, name="assign"),
    path("rounds/<str:code>/compute/", manage.compute_scores, name="compute"),
    path("rounds/<str:code>/jobs/<int:pk>/", jobs.job, name="job"),
    path("rounds/<str:code>/publish/<int:snapshot>/", manage.publish, name="publish"),
    path("audit/", manage.audit, name="audit"),
    path("frameworks/<str:code>/<str:edition>/advice/", advice.framework_advice, name="framework_advice"),
    path(
        "frameworks/<str:code>/<str:edition>/advice/<int:snapshot>/<str:group>/<str:method>/",
        advice.adopt_advice,
        name="framework_advice_adopt",
    ),
]
