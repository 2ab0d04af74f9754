"""A reviewer's own sentences: the page that lists them, and the part of the workbench that shows them."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import AuthenticatedRequest
from cities.actions import ActionRefused
from scoring.actions import phrases as actions
from scoring.models import Phrase
from scoring.review_forms import PhraseForm


@require_http_methods(["GET", "HEAD", "POST"])
def phrases(request: AuthenticatedRequest) -> HttpResponse:
    if not request.user.is_reviewer:
        raise Http404
    form = PhraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.add_phrase(reviewer=request.user, text=form.cleaned_data["text"])
        except ActionRefused as refusal:
            form.add_error("text", str(refusal))
        else:
            if _is_part(request):
                return _answer(request, PhraseForm())
            messages.success(request, _("已添加常用语。"))
            return redirect("review:phrases")
    return _answer(request, form, status=422 if form.errors else 200)


@require_POST
def remove(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    if not request.user.is_reviewer:
        raise Http404
    actions.remove_phrase(phrase=get_object_or_404(Phrase, pk=pk, reviewer=request.user))
    if _is_part(request):
        return _answer(request, PhraseForm())
    messages.success(request, _("已删除常用语。"))
    return redirect("review:phrases")


def _is_part(request: AuthenticatedRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _answer(request: AuthenticatedRequest, form: PhraseForm, *, status: int = 200) -> HttpResponse:
    """The list alone where the workbench asks for it, else the page around it."""
    template = "scoring/review/_phrases.html" if _is_part(request) else "scoring/review/phrases.html"
    context = {
        "phrases": Phrase.objects.filter(reviewer=request.user),
        "phrase_form": form,
        "form": form,
        "is_open": True,
        "crumbs": [(_("首页"), "/"), (_("评审任务"), reverse("review:index")), (_("常用语"), None)],
    }
    return render(request, template, context, status=status)
