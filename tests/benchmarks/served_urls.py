"""The site's addresses, and the floors beside them."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import Context, Engine, Template
from django.urls import path

from cities.models import Evidence, Submission
from config.urls import *  # noqa: F403 — everything as in service
from config.urls import urlpatterns as served

#: name -> a page as it was rendered once, as a template without any tag
FIXED: dict[str, Template] = {}


def fix(name: str, html: str) -> None:
    FIXED[name] = Engine().from_string("{% verbatim fixed %}" + html + "{% endverbatim fixed %}")


def nothing(request: HttpRequest) -> HttpResponse:
    """A signed-in POST through every middleware, that writes nothing."""
    return JsonResponse({"ok": request.method == "POST"})


def three_queries(request: HttpRequest, pk: int, name: str, code: str = "") -> HttpResponse:
    """The floor of a page: its submission, its rows and its files, and a template that says the same every time."""
    submission = Submission.objects.select_related("round__framework", "city").get(pk=pk)
    answers = submission.answers.select_related("indicator").order_by("indicator__position")
    files = Evidence.objects.filter(submission=submission, deleted_at=None)
    if code:
        answers, files = answers.filter(indicator__code=code), files.filter(indicator__code=code)
    list(answers)
    list(files.values_list("indicator_id", "sequence", "filename"))
    return HttpResponse(FIXED[name].render(Context()))


urlpatterns = [
    *served,
    path("bench/nothing/", nothing),
    path("bench/<int:pk>/<str:name>/", three_queries),
    path("bench/<int:pk>/<str:name>/<str:code>/", three_queries),
]
