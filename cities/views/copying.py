"""沿用上一轮: choose what to take over from the round before."""

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedRequest
from cities import actions
from cities.actions.copying import Copy
from cities.models import Answer, Evidence, Submission
from cities.phases import why_closed
from cities.previous import Previous, previous_answers
from cities.scope import visible_leaves
from cities.trees import tree_of
from cities.views.common import WORK, crumbs, load
from indicators.models import Indicator


@dataclass(frozen=True)
class Offer:
    """One leaf with something to take over: the last round's narrative, and how many files."""

    indicator: Indicator
    answer: Answer
    previous: Previous
    files: int

    @property
    def narrative(self) -> str:
        return self.previous.answer.narrative.strip()

    @property
    def is_there(self) -> bool:
        """The old text stands in the answer already."""
        return bool(self.narrative) and self.narrative in self.answer.narrative

    @property
    def has_own(self) -> bool:
        return bool(self.answer.narrative.strip()) and not self.is_there


@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk, do=WORK)
    offers = _offers(request, submission)
    refusal = ""
    if request.method == "POST":
        arrived = timezone.now()
        copies = _chosen(request, offers)
        try:
            if not copies:
                raise actions.ActionRefused(_("请先勾选要沿用的内容。"))
            done = actions.copy_from_last_round(
                submission=submission, copies=copies, by=request.user, at=arrived
            )
        except actions.ActionRefused as refused:
            refusal = str(refused)
        else:
            counts = {"n": done.narratives, "m": done.files}
            messages.success(
                request, _("已沿用 %(n)s 项情况说明、%(m)s 份佐证材料，均为草稿，请逐项核对。") % counts
            )
            if done.kept:
                kept = {"codes": "、".join(done.kept)}
                messages.warning(request, _("以下指标已有情况说明，未覆盖：%(codes)s。") % kept)
            return redirect("submission:tasks", pk=pk)
    closed = why_closed(submission)
    context = {
        "submission": submission,
        "offers": offers,
        "chosen": {name: set(request.POST.getlist(name)) for name in ("narrative", "evidence", "append")},
        "extra_errors": [{"message": refusal, "href": ""}] if refusal else [],
        "has_errors": bool(refusal),
        "why_closed": closed,
        "crumbs": crumbs(submission, (_("沿用上一轮"), None)),
    }
    return render(request, "cities/copy.html", context, status=(409 if closed else 422) if refusal else 200)


def _chosen(request: AuthenticatedRequest, offers: list[Offer]) -> list[Copy]:
    """What was ticked, or everything that overwrites nothing; only of what was offered to this person."""
    if request.POST.get("then") == "all":
        return [
            Copy(
                one.indicator.pk, narrative=bool(one.narrative) and not one.has_own, evidence=bool(one.files)
            )
            for one in offers
        ]
    ticked = {name: set(request.POST.getlist(name)) for name in ("narrative", "evidence", "append")}
    copies = [
        Copy(
            one.indicator.pk,
            narrative=one.indicator.code in ticked["narrative"] | ticked["append"],
            evidence=one.indicator.code in ticked["evidence"],
            append=one.indicator.code in ticked["append"],
        )
        for one in offers
    ]
    return [one for one in copies if one.narrative or one.evidence]


def _offers(request: AuthenticatedRequest, submission: Submission) -> list[Offer]:
    """Leaves that this person sees and that had a narrative or files; the same number of queries for any number."""
    visible = visible_leaves(request.user, submission)
    leaves = [
        leaf for leaf in tree_of(submission.round.framework).leaves if visible is None or leaf.pk in visible
    ]
    previous = previous_answers(submission, leaves)
    if not previous:
        return []
    answers = {answer.indicator_id: answer for answer in submission.answers.all()}
    rounds = {one.answer.submission_id for one in previous.values()}
    files = {
        (row["submission_id"], row["indicator_id"]): row["count"]
        for row in Evidence.objects.filter(submission__in=rounds, deleted_at=None)
        .values("submission_id", "indicator_id")
        .annotate(count=Count("id"))
        .order_by()
    }
    found = [
        Offer(
            leaf, answers[leaf.pk], then, files.get((then.answer.submission_id, then.answer.indicator_id), 0)
        )
        for leaf in leaves
        if (then := previous.get(leaf.pk)) is not None and leaf.pk in answers
    ]
    return [one for one in found if one.narrative or one.files]
