"""Pages of a consultation for those who are asked: reading, commenting, the Excel form. See `consultation_manage`."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from accounts.permissions import is_administrator
from indicators import consultation as actions
from indicators import consultation_queries as queries
from indicators.consultation_forms import CommentForm, UploadForm
from indicators.consultation_texts import definition_words, standard_words, weight_words
from indicators.models import Comment, Consultation, Framework, Indicator
from indicators.organisations import organisation_of
from indicators.queries import load_tree
from indicators.workbook_safety import WorkbookError

SEE, TAKE_PART = "indicators.see_consultation", "indicators.take_part"
COMMENT, MANAGE = "indicators.comment", "indicators.manage_consultation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Crumb = tuple[str, str | None]


def load(request: AuthenticatedRequest, code: str, edition: str, *, do: str | None = None) -> Consultation:
    """The edition's consultation: 404 for those who are not asked, 403 for who may not `do` it."""
    found = Consultation.objects.select_related("framework")
    return load_for(request.user, found, see=SEE, do=do, framework__code=code, framework__edition=edition)


def address(consultation: Consultation, name: str = "consultation", *args: Any) -> str:
    framework = consultation.framework
    return reverse(f"framework:{name}", args=[framework.code, framework.edition, *args])


def crumbs(consultation: Consultation, *more: Crumb) -> list[Crumb]:
    here = address(consultation) if more else None
    return [
        (_("首页"), "/"),
        (_("指标体系"), reverse("framework:list")),
        (f"{_('征求意见')} · {consultation.framework}", here),
        *more,
    ]


def download(content: bytes, name: str, content_type: str) -> HttpResponse:
    disposition = content_disposition_header(True, name.replace("/", "_")) or "attachment"
    return HttpResponse(content, content_type=content_type, headers={"Content-Disposition": disposition})


@require_safe
def consultation(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    """The page of the consultation: what is asked until when, one's own comments, the indicators, the answers."""
    may_manage = bool(is_administrator(request.user))
    there = Consultation.objects.filter(framework__code=code, framework__edition=edition)
    if may_manage and not there.exists():
        return redirect("framework:consultation_open", code, edition)
    found = load(request, code, edition)
    is_open = found.is_open()
    shows_all = found.answers_published_at is not None or (is_open and found.shares_comments)
    tree = load_tree(found.framework) if is_open or may_manage or shows_all else None
    mine = list(queries.own_comments(found, request.user))
    counts: dict[str, int] = {}
    for comment in mine:
        counts[comment.indicator_code] = counts.get(comment.indicator_code, 0) + (not comment.is_withdrawn)
    everything = queries.grouped(queries.live_comments(found), tree) if shows_all and tree else []
    context = {
        "consultation": found,
        "framework": found.framework,
        "is_open": is_open,
        "may_manage": may_manage,
        "may_comment": is_open and request.user.has_perm(COMMENT, found),
        "mine": mine,
        "whole_count": counts.get("", 0),
        "rows": [(row, weight_words(row.indicator), counts.get(row.indicator.code, 0)) for row in tree.rows]
        if tree and is_open
        else [],
        "groups": everything,
        "crumbs": crumbs(found),
    }
    return render(request, "indicators/consultation.html", context)


# --- commenting ----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def comment_new(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    """A new comment on the indicator `?i=`, or without it on the framework as a whole."""
    found = load(request, code, edition, do=TAKE_PART)
    about = request.GET.get("i", "")
    if request.method != "POST" and not found.is_open():
        messages.error(request, _("征求意见已截止，不能再提出意见。"))
        return redirect(address(found))
    indicator = None
    if about and found.is_open():  # nothing of the draft is told outside that time
        indicator = Indicator.objects.filter(framework=found.framework, code=about).first()
        if indicator is None:
            raise Http404
    organisation = organisation_of(request.user) or str(request.user)
    form = CommentForm(request.POST or None, initial={"organisation": organisation})
    if request.method == "POST" and form.is_valid():
        try:
            actions.add_comment(
                consultation=found, content=form.content(about), by=request.user,
                organisation=form.cleaned_data["organisation"],
            )  # fmt: skip
        except actions.ConsultationRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("意见已提交。截止前可以修改或撤回。"))
            return redirect(address(found))
    heading = str(indicator or about) or _("对指标体系整体的意见")
    return _comment_page(request, found, form, heading=heading, indicator=indicator)


def _comment_page(
    request: AuthenticatedRequest,
    found: Consultation,
    form: CommentForm,
    *,
    heading: str,
    indicator: Indicator | None = None,
    comment: Comment | None = None,
) -> HttpResponse:
    """The draft's own words are shown only while it is open."""
    present = []
    if indicator is not None and found.is_open():
        present = [
            (_("权重（分值）"), weight_words(indicator)),
            (_("口径"), definition_words(indicator)),
            (_("评分标准"), standard_words(indicator)),
        ]
    context = {
        "consultation": found,
        "form": form,
        "heading": heading,
        "present": [(label, text) for label, text in present if text],
        "comment": comment,
        "history": comment.log.select_related("history_user").order_by("-history_id") if comment else [],
        "may_change": comment is None or request.user.has_perm("indicators.change_comment", comment),
        "crumbs": crumbs(found, (heading, None)),
    }
    return render(
        request, "indicators/consultation_comment.html", context, status=422 if form.errors else 200
    )


def _load_comment(
    request: AuthenticatedRequest, code: str, edition: str, comment: int
) -> tuple[Consultation, Comment]:
    found = load(request, code, edition)
    own = load_for(
        request.user,
        Comment.objects.select_related("consultation__framework", "author"),
        see="indicators.see_comment",
        consultation=found,
        pk=comment,
    )
    return found, own


@require_http_methods(["GET", "HEAD", "POST"])
def comment_edit(request: AuthenticatedRequest, code: str, edition: str, comment: int) -> HttpResponse:
    """One comment with its history; its author may change it until the consultation closes."""
    found, own = _load_comment(request, code, edition, comment)
    form = CommentForm(request.POST or None, initial=CommentForm.initial_of(own))
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_comment(
                comment=own, content=form.content(own.indicator_code), by=request.user,
                organisation=form.cleaned_data["organisation"],
            )  # fmt: skip
        except actions.ConsultationRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("修改已保存。"))
            return redirect(address(found))
    indicator = Indicator.objects.filter(framework=found.framework, code=own.indicator_code).first()
    return _comment_page(request, found, form, heading=own.subject, indicator=indicator, comment=own)


@require_http_methods(["GET", "HEAD", "POST"])
def comment_withdraw(request: AuthenticatedRequest, code: str, edition: str, comment: int) -> HttpResponse:
    found, own = _load_comment(request, code, edition, comment)
    error = ""
    if request.method == "POST":
        try:
            actions.withdraw_comment(comment=own, by=request.user)
        except actions.ConsultationRefused as refusal:
            error = str(refusal)
        else:
            messages.success(request, _("意见已撤回。"))
            return redirect(address(found))
    return confirm_page(
        request, found, error=error, heading=_("撤回意见"), button=_("撤回"), facts=[own.subject, own.text],
        explanation=_("撤回后不计入意见汇总，记录仍会保留；不能恢复，可以另写一条。"),
    )  # fmt: skip


def confirm_page(
    request: AuthenticatedRequest, found: Consultation, *, error: str, **words: Any
) -> HttpResponse:
    """A step that cannot be taken back, on a page of its own: `heading`, `explanation`, `button`, `facts`."""
    context = {
        "consultation": found,
        "extra_errors": [{"message": error, "href": ""}] if error else [],
        "has_errors": bool(error),
        "crumbs": crumbs(found, (words["heading"], None)),
        **words,
    }
    return render(request, "indicators/consultation_confirm.html", context, status=422 if error else 200)


# --- the Excel form ------------------------------------------------------------------------------------------


@require_safe
def form_download(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    from indicators.consultation_form import form_workbook  # noqa: PLC0415 — writes a workbook

    found = load(request, code, edition)
    load_for(request.user, Framework.objects.all(), see="indicators.see_framework", pk=found.framework_id)
    mine = queries.own_comments(found, request.user).filter(withdrawn_at=None, outcome="")
    content = form_workbook(found, load_tree(found.framework), mine)
    return download(content, f"{found.framework.code}-{found.framework.edition}-意见表.xlsx", XLSX)


@require_http_methods(["GET", "HEAD", "POST"])
def form_upload(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    """Upload and check; the checked rows wait in the session for the confirmation."""
    from indicators.consultation_form import read_form  # noqa: PLC0415 — reads a workbook

    found = load(request, code, edition, do=TAKE_PART)
    if not found.is_open():
        messages.error(request, _("征求意见已截止，不能再提出意见。"))
        return redirect(address(found))
    organisation = organisation_of(request.user) or str(request.user)
    form = UploadForm(request.POST or None, request.FILES or None, initial={"organisation": organisation})
    check = None
    if request.method == "POST" and form.is_valid():
        mine = list(queries.own_comments(found, request.user).filter(withdrawn_at=None))
        try:
            check = read_form(form.cleaned_data["file"], found, load_tree(found.framework), mine)
        except WorkbookError as error:
            form.add_error("file", str(error))
        else:
            request.session[_pending(found)] = {
                "organisation": form.cleaned_data["organisation"],
                "rows": [] if check.problems else [row.plain() for row in check.rows],
            }
    refused = bool(form.errors) or bool(check and check.problems)
    context = {
        "consultation": found,
        "form": form,
        "check": check,
        "has_errors": refused,
        "crumbs": crumbs(found, (_("上传意见表"), None)),
    }
    return render(request, "indicators/consultation_upload.html", context, status=422 if refused else 200)


@require_http_methods(["POST"])
def form_confirm(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    """Write the rows that were checked and shown."""
    from indicators.consultation_form import FormRow  # noqa: PLC0415

    found = load(request, code, edition, do=TAKE_PART)
    pending = request.session.pop(_pending(found), None)
    if not pending or not pending["rows"]:
        messages.error(request, _("没有等待确认的意见表，请重新上传。"))
        return redirect(address(found, "consultation_upload"))
    rows = [FormRow.from_plain(row) for row in pending["rows"]]
    try:
        taken = actions.take_form(
            consultation=found, rows=[(row.number, row.content) for row in rows], by=request.user,
            organisation=pending["organisation"],
        )  # fmt: skip
    except actions.ConsultationRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(address(found))
    messages.success(
        request,
        _("已导入：新增 %(added)s 条，修改 %(changed)s 条。")
        % {"added": taken.added, "changed": taken.changed},
    )
    return redirect(address(found))


def _pending(found: Consultation) -> str:
    return f"consultation-form-{found.pk}"
