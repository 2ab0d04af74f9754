"""Who reviews which city: by hand, by workbook, by plan; anchors and reviewers' profiles. Administrators only."""

from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedRequest
from accounts.models import User
from cities.actions import ActionRefused
from cities.models import Round, Submission
from indicators.models import Indicator
from indicators.workbooks import WorkbookError
from scoring import assigning
from scoring.actions import assigning as actions
from scoring.actions import planning
from scoring.assignment_workbook import Change, Check, assignment_workbook, read_assignment, state_digest
from scoring.conflicts import reviewers
from scoring.forms_assigning import (
    AnchorsForm,
    PlanForm,
    ProfileForm,
    ReasonForm,
    SeatForm,
    TakeOffForm,
    TaskDimensionsForm,
    UploadForm,
)
from scoring.models import ReviewAssignment, ReviewerProfile
from scoring.views.manage_common import (
    XLSX,
    assignment_crumbs,
    download,
    file_name,
    load_round,
    require_administrator,
)

_SALT = "scoring.assignment-upload"
_KEPT_FOR = 24 * 60 * 60


def _roots(round_: Round) -> list[tuple[str, str]]:
    rows = Indicator.objects.filter(framework_id=round_.framework_id, parent=None).order_by("position", "id")
    return [(code, f"{code} {name}") for code, name in rows.values_list("code", "name_zh")]


@require_safe
def overview(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = load_round(request, code)
    facts = assigning.facts_of(found)
    context = {
        "round": found,
        "rows": [(one, facts.panel(one)) for one in facts.submissions],
        "loads": [(person, facts.loads[person.user.pk]) for person in facts.people],
        "gaps": assigning.gaps(facts),
        "crumbs": assignment_crumbs(found),
    }
    return render(request, "scoring/manage/assignment.html", context)


# --- one city ------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def assign(request: AuthenticatedRequest, code: str, submission: int) -> HttpResponse:
    """The panel of one city; a POST adds a reviewer."""
    found = load_round(request, code)
    target = get_object_or_404(Submission.objects.select_related("city", "round"), pk=submission, round=found)
    facts = assigning.facts_of(found)
    form = SeatForm(
        request.POST if request.method == "POST" else None,
        facts=facts,
        submission=target,
        roots=_roots(found),
    )
    if request.method == "POST" and form.is_valid():
        try:
            actions.assign_reviewer(
                submission=target, reviewer=form.chosen(), by=request.user,
                dimensions=form.cleaned_data["dimensions"],
            )  # fmt: skip
        except ActionRefused as refusal:
            form.add_error("reviewer", str(refusal))
        else:
            messages.success(request, _("已分配评审专家。"))
            if request.POST.get("next") == "assignment":
                return redirect("manage:assignment", code=code)
            return redirect("manage:assign", code=code, submission=submission)
    tasks = [task for task in facts.tasks if task.submission_id == target.pk]
    conflicts = [
        (one, one.conflict_with(target.city)) for one in facts.people if one.conflict_with(target.city)
    ]
    context = {
        "round": found,
        "submission": target,
        "form": form,
        "assignments": tasks,
        "conflicts": conflicts,
        "crumbs": assignment_crumbs(found, (str(target.city), None)),
    }
    return render(request, "scoring/manage/assign.html", context, status=422 if form.errors else 200)


def _task(round_: Round, pk: int) -> ReviewAssignment:
    tasks = ReviewAssignment.objects.select_related("submission__city", "submission__round", "reviewer")
    return get_object_or_404(tasks, pk=pk, submission__round=round_)


def _task_page(
    request: AuthenticatedRequest, template: str, task: ReviewAssignment, form: Any, title: str, **more: Any
) -> HttpResponse:
    found, city = task.submission.round, task.submission.city
    context = {
        "round": found,
        "task": task,
        "form": form,
        "crumbs": assignment_crumbs(
            found, (str(city), reverse("manage:assign", args=[found.code, task.submission_id])), (title, None)
        ),
        **more,
    }
    return render(request, f"scoring/manage/{template}.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def task_dimensions(request: AuthenticatedRequest, code: str, assignment: int) -> HttpResponse:
    found = load_round(request, code)
    task = _task(found, assignment)
    form = TaskDimensionsForm(
        request.POST or None, roots=_roots(found), initial={"dimensions": task.dimensions}
    )
    if request.method == "POST" and form.is_valid():
        try:
            actions.set_dimensions(
                assignment=task, dimensions=form.cleaned_data["dimensions"], by=request.user
            )
        except ActionRefused as refusal:
            form.add_error("dimensions", str(refusal))
        else:
            messages.success(request, _("已调整维度。"))
            return redirect("manage:assign", code=code, submission=task.submission_id)
    return _task_page(request, "assign_dimensions", task, form, _("调整维度"))


@require_http_methods(["GET", "HEAD", "POST"])
def take_off(request: AuthenticatedRequest, code: str, assignment: int) -> HttpResponse:
    found = load_round(request, code)
    task = _task(found, assignment)
    if task.status == ReviewAssignment.Status.RECUSED:
        return redirect("manage:assign", code=code, submission=task.submission_id)
    form = TakeOffForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.take_off(assignment=task, by=request.user, reason=form.cleaned_data["reason"])
        except ActionRefused as refusal:
            form.add_error("reason", str(refusal))
        else:
            messages.success(request, _("已取消%(reviewer)s的评审任务。") % {"reviewer": task.reviewer})
            return redirect("manage:assign", code=code, submission=task.submission_id)
    return _task_page(
        request, "assign_take_off", task, form, _("取消评审任务"), has_work=actions.has_work(task),
        marks=task.marks.count(),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def reopen(request: AuthenticatedRequest, code: str, assignment: int) -> HttpResponse:
    found = load_round(request, code)
    task = _task(found, assignment)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.reopen_review(assignment=task, reason=form.cleaned_data["reason"], by=request.user)
        except ActionRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("已重新打开%(reviewer)s的评审。") % {"reviewer": task.reviewer})
            return redirect(reverse("manage:progress", args=[code]) + "?tab=review")
    return _task_page(request, "progress_reopen", task, form, _("重新打开评审"))


# --- the automatic plan ----------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: AuthenticatedRequest, code: str) -> HttpResponse:
    """What is asked stands in the address; a POST applies what was seen, or shows what would be written now."""
    found = load_round(request, code)
    facts = assigning.facts_of(found)
    asked = request.POST if request.method == "POST" else request.GET if "per_city" in request.GET else None
    form = PlanForm(asked, facts=facts)
    status, stale, proposal = 200, False, None
    if asked is not None and not form.is_valid():
        status = 422
    elif asked is not None:
        proposal = assigning.propose(facts, form.options())
        if request.method == "POST":
            try:
                seats = planning.apply_plan(
                    round_=found,
                    options=form.options(),
                    seen=request.POST.get("fingerprint", ""),
                    by=request.user,
                )
            except planning.PlanChanged as changed:
                proposal, status, stale = changed.proposal, 409, True
            except ActionRefused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, _("已分配 %(n)s 个席位。") % {"n": seats})
                return redirect("manage:assignment", code=code)
    context = {
        "round": found,
        "form": form,
        "proposal": proposal,
        "stale": stale,
        "anchors": [one for one in facts.submissions if one.is_anchor],
        "roots": facts.roots,
        "has_errors": bool(proposal and proposal.troubles) or stale,
        "crumbs": assignment_crumbs(found, (_("自动分配"), None)),
    }
    return render(request, "scoring/manage/assign_plan.html", context, status=status)


# --- the workbook ----------------------------------------------------------------------------------------------


@require_safe
def workbook(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = load_round(request, code)
    return download(assignment_workbook(assigning.facts_of(found)), file_name(found, "评审分配.xlsx"), XLSX)


def _upload_page(
    request: AuthenticatedRequest, found: Round, form: UploadForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "round": found,
        "form": form,
        "crumbs": assignment_crumbs(found, (_("Excel 分配"), None)),
        **more,
    }
    return render(request, "scoring/manage/assign_upload.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = load_round(request, code)
    if request.method != "POST":
        return _upload_page(request, found, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _upload_page(request, found, form, status=422)
    facts = assigning.facts_of(found)
    try:
        check: Check = read_assignment(form.cleaned_data["file"].read(), facts)
    except WorkbookError as error:
        form.add_error("file", str(error))
        return _upload_page(request, found, form, status=422)
    plain = [found.pk, state_digest(facts), [change.plain() for change in check.changes]]
    return _upload_page(
        request, found, UploadForm(), status=422 if check.problems else 200, check=check,
        has_errors=bool(check.problems), names={one.user.username: str(one.user) for one in facts.people},
        signed=signing.dumps(plain, salt=_SALT, compress=True),
    )  # fmt: skip


@require_POST
def upload_confirm(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = load_round(request, code)
    try:
        round_id, seen, plain = signing.loads(request.POST.get("signed", ""), salt=_SALT, max_age=_KEPT_FOR)
        if round_id != found.pk:
            raise signing.BadSignature
        changes = [Change.from_plain(one) for one in plain]
        done = planning.apply_changes(round_=found, changes=changes, seen=seen, by=request.user)
    except signing.BadSignature:
        message = _("检查结果已过期，请重新上传文件。")
    except ActionRefused as refusal:
        message = str(refusal)
    else:
        messages.success(request, _("已按文件调整 %(n)s 个席位。") % {"n": done})
        return redirect("manage:assignment", code=code)
    return _upload_page(
        request, found, UploadForm(), status=409, extra_errors=[{"message": message}], has_errors=True
    )


# --- anchors, profiles -----------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def anchors(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = load_round(request, code)
    present = list(found.submissions.filter(is_anchor=True))
    form = AnchorsForm(
        request.POST if request.method == "POST" else None, round_=found, initial={"anchors": present}
    )
    if request.method == "POST" and form.is_valid():
        try:
            actions.set_anchors(round_=found, chosen=form.cleaned_data["anchors"], by=request.user)
        except ActionRefused as refusal:
            form.add_error("anchors", str(refusal))
        else:
            messages.success(request, _("校准城市已保存。"))
            return redirect("manage:assignment", code=code)
    context = {
        "round": found,
        "form": form,
        "locked": actions.why_review_is_open(found),
        "present": found.submissions.filter(is_anchor=True).select_related("city"),
        "crumbs": assignment_crumbs(found, (_("校准城市"), None)),
    }
    return render(request, "scoring/manage/assign_anchors.html", context, status=422 if form.errors else 200)


@require_safe
def reviewer_list(request: AuthenticatedRequest) -> HttpResponse:
    require_administrator(request)
    people = list(reviewers().select_related("reviewer_profile__city").prefetch_related("memberships__city"))
    context = {"people": people, "crumbs": [(_("轮次"), reverse("manage:rounds")), (_("评审专家"), None)]}
    return render(request, "scoring/manage/reviewers.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def reviewer(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    require_administrator(request)
    person: User = get_object_or_404(reviewers(), pk=pk)
    profile = ReviewerProfile.objects.filter(user=person).first() or ReviewerProfile(user=person)
    initial = {
        "city": profile.city_id,
        "province_zh": profile.province_zh,
        "most_cities": profile.most_cities,
    }
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        actions.save_profile(reviewer=person, by=request.user, **form.cleaned_data)
        messages.success(request, _("%(name)s的资料已保存。") % {"name": person})
        return redirect("manage:reviewers")
    context = {
        "person": person,
        "form": form,
        "crumbs": [
            (_("轮次"), reverse("manage:rounds")),
            (_("评审专家"), reverse("manage:reviewers")),
            (str(person), None),
        ],
    }
    return render(request, "scoring/manage/reviewers_edit.html", context, status=422 if form.errors else 200)
