"""Reviewers' questions to the city, and its answers."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedRequest
from cities import actions
from cities.actions.supplements import why_no_reply
from cities.evidence import EvidenceRefused
from cities.forms_returns import ReplyForm
from cities.models import Submission, Supplement
from cities.supplements import Question, questions_for
from cities.views.common import WORK, crumbs, load


def _question(request: AuthenticatedRequest, submission: Submission, supplement: int) -> Question:
    """The question as this person may see it. Raises Http404 for one that this person may not see."""
    for one in questions_for(request.user, submission):
        if one.supplement.pk == supplement:
            return one
    raise Http404


@require_safe
def supplements(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    found = questions_for(request.user, submission)
    context = {
        "submission": submission,
        "waiting": [one for one in found if one.is_open],
        "settled": [one for one in found if not one.is_open],
        "works_here": request.user.has_perm(WORK, submission),
        "crumbs": crumbs(submission, (_("补充说明"), None)),
    }
    return render(request, "cities/supplements.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def supplement(request: AuthenticatedRequest, pk: int, supplement: int) -> HttpResponse:
    submission = load(request, pk)
    if request.method == "POST":
        submission = load(request, pk, do=WORK)
    question = _question(request, submission, supplement)
    form, status = ReplyForm(), 200
    if request.method == "POST":
        form, status = ReplyForm(request.POST, request.FILES), 422
        if form.is_valid():
            refusal = _reply(request, question.supplement, form)
            if refusal is None:
                messages.success(request, _("答复已发给评审专家。"))
                return redirect("submission:supplement", pk=pk, supplement=supplement)
            status = refusal
    closed = why_no_reply(question.supplement, submission)
    works_here = request.user.has_perm(WORK, submission)
    context = {
        "submission": submission,
        "question": question,
        "form": form,
        "works_here": works_here,
        "why_closed": closed,
        # what was typed stays on the page also when it came too late
        "shows_form": works_here and (form.is_bound or not closed),
        "crumbs": crumbs(
            submission,
            (_("补充说明"), reverse("submission:supplements", args=[pk])),
            (question.supplement.indicator.code, None),
        ),
    }
    return render(request, "cities/supplement.html", context, status=status)


def _reply(request: AuthenticatedRequest, supplement: Supplement, form: ReplyForm) -> int | None:
    """Send the reply; on refusal the words stand in the form, and the status to answer with comes back."""
    try:
        actions.reply_supplement(
            supplement=supplement, text=form.cleaned_data["reply"].replace("\r\n", "\n"), by=request.user,
            files=form.cleaned_data["materials"],
        )  # fmt: skip
    except EvidenceRefused as refusal:
        form.add_error("materials", str(refusal))
        return 422
    except actions.ActionRefused as refusal:
        form.add_error(None, str(refusal))
        return 409
    return None


@require_POST
def supplement_withdraw(request: AuthenticatedRequest, pk: int, supplement: int) -> HttpResponse:
    """The reviewer takes the own question back."""
    submission = load(request, pk)
    question = _question(request, submission, supplement)
    try:
        actions.withdraw_supplement(supplement=question.supplement, by=request.user)
    except actions.ActionRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("已撤回补充要求。"))
    return redirect("submission:supplements", pk=pk)
