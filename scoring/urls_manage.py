from django.urls import path

from scoring import urls_assigning
from scoring.views import advice, jobs, manage, manage_import, manage_returns, publishing

app_name = "manage"
urlpatterns = [
    path("rounds/", manage.rounds, name="rounds"),
    path("rounds/new/", manage.round_new, name="round_new"),
    path("rounds/<str:code>/", manage.round_detail, name="round"),
    path("rounds/<str:code>/enrol/", manage.enrol, name="enrol"),
    *urls_assigning.urlpatterns,
    path("rounds/<str:code>/returns/", manage_returns.returns, name="returns"),
    path("rounds/<str:code>/returns/<int:submission>/", manage_returns.return_one, name="return"),
    path("rounds/<str:code>/extend/<int:submission>/", manage_returns.extend, name="extend"),
    path("rounds/<str:code>/import/", manage_import.round_import, name="round_import"),
    path(
        "rounds/<str:code>/import/template/",
        manage_import.round_import_template,
        name="round_import_template",
    ),
    path(
        "rounds/<str:code>/import/confirm/", manage_import.round_import_confirm, name="round_import_confirm"
    ),
    path("rounds/<str:code>/import/drop/", manage_import.round_import_drop, name="round_import_drop"),
    path("rounds/<str:code>/compute/", manage.compute_scores, name="compute"),
    path("rounds/<str:code>/jobs/<int:pk>/", jobs.job, name="job"),
    path("rounds/<str:code>/publishing/", publishing.index, name="publishing"),
    path("rounds/<str:code>/publishing/recompute/", publishing.recompute, name="recompute"),
    path("rounds/<str:code>/publishing/audience/", publishing.audience, name="audience"),
    path("rounds/<str:code>/finalise/<int:snapshot>/", publishing.finalise, name="finalise"),
    path("rounds/<str:code>/publish/<int:snapshot>/", publishing.publish, name="publish"),
    path("audit/", manage.audit, name="audit"),
    path("frameworks/<str:code>/<str:edition>/advice/", advice.framework_advice, name="framework_advice"),
    path(
        "frameworks/<str:code>/<str:edition>/advice/<int:snapshot>/<str:group>/<str:method>/",
        advice.adopt_advice,
        name="framework_advice_adopt",
    ),
]
