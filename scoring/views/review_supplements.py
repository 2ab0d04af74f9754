"""Asking a city for more about one indicator, without returning its submission."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedRequest
from cities.actions import ActionRefused
from cities.actions import supplements as actions
from cities.trees import tree_of
from cities.views.common import leaf_of
from scoring.review_forms import SupplementForm
from scoring.scope import in_scope
from scoring.views.review import load_task, order_of

REVIEW = "scoring.review"


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: AuthenticatedRequest, assignment: int, code: str) -> HttpResponse:
    task = load_task(request, assignment, do=REVIEW)
    tree = tree_of(task.submission.round.framework)
    indicator = leaf_of(tree, code)
    if not in_scope(task, tree, code):
        raise Http404
    back = reverse("review:mark", args=[task.pk, code]) + f"?order={order_of(request)}"
    form = SupplementForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.ask_supplement(
                submission=task.submission, indicator=indicator, seat=task.seat, by=request.user,
                question=form.cleaned_data["question"], due_on=form.cleaned_data["due_on"],
            )  # fmt: skip
        except ActionRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("已请城市补充说明。城市看到的是席位，看不到您的姓名。"))
            return redirect(back)
    context = {
        "assignment": task,
        "indicator": indicator,
        "form": form,
        "back_url": back,
        "crumbs": [
            (_("首页"), "/"),
            (_("评审任务"), reverse("review:index")),
            (f"{task.submission.city} · {indicator.code}", back),
            (_("请城市补充说明"), None),
        ],
    }
    return render(request, "scoring/review/ask.html", context, status=422 if form.errors else 200)
