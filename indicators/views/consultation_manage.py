"""Pages of a consultation for the administrator: opening, closing, collating, answering, exporting, publishing."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from accounts.texts import whole_number
from indicators import consultation as actions
from indicators import consultation_queries as queries
from indicators.consultation_forms import AnswerForm, SettingsForm
from indicators.models import Comment, Consultation, Framework
from indicators.queries import load_tree
from indicators.views.consultation import MANAGE, XLSX, address, confirm_page, crumbs, download, load

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@require_http_methods(["GET", "HEAD", "POST"])
def consultation_open(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = load_for(
        request.user, Framework.objects.all(), see="indicators.see_framework", do=MANAGE, code=code, edition=edition
    )  # fmt: skip
    if Consultation.objects.filter(framework=framework).exists():
        return redirect("framework:consultation", code, edition)
    if not framework.is_draft:
        raise Http404
    title = _("关于征求《%(name)s》意见的通知") % {"name": framework.name_zh}
    form = SettingsForm(request.POST or None, initial={"title": title})
    if request.method == "POST" and form.is_valid():
        try:
            actions.open_consultation(framework=framework, by=request.user, **form.cleaned_data)
        except actions.ConsultationRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("已开始征求意见。各城市成员和评审专家登录后即可查看草案并提出意见。"))
            return redirect("framework:consultation", code, edition)
    context = {
        "framework": framework,
        "form": form,
        "crumbs": [(_("指标体系"), "/framework/"), (str(framework), None), (_("征求意见"), None)],
    }
    return render(
        request, "indicators/consultation_settings.html", context, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
def consultation_settings(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    found = load(request, code, edition, do=MANAGE)
    form = SettingsForm(request.POST or None, initial=SettingsForm.initial_of(found))
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_consultation(consultation=found, by=request.user, **form.cleaned_data)
        except actions.ConsultationRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("设置已保存。"))
            return redirect(address(found))
    context = {
        "consultation": found,
        "framework": found.framework,
        "form": form,
        "crumbs": crumbs(found, (_("修改设置"), None)),
    }
    return render(
        request, "indicators/consultation_settings.html", context, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
def consultation_close(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    found = load(request, code, edition, do=MANAGE)
    if request.method == "POST":
        actions.close_consultation(consultation=found, by=request.user)
        messages.success(request, _("征求意见已截止。"))
        return redirect(address(found))
    return confirm_page(
        request, found, error="", heading=_("提前截止征求意见"), button=_("截止"),
        explanation=_("截止后，城市成员和评审专家不能再查看草案、提出或修改意见。需要时可以在“修改设置”中延长。"),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def consultation_publish(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    found = load(request, code, edition, do=MANAGE)
    error = ""
    if request.method == "POST":
        try:
            actions.publish_answers(consultation=found, by=request.user)
        except actions.ConsultationRefused as refusal:
            error = str(refusal)
        else:
            messages.success(request, _("采纳情况已公布。"))
            return redirect(address(found))
    return confirm_page(
        request, found, error=error, heading=_("公布采纳情况"), button=_("公布"),
        explanation=_("公布后，各城市成员和评审专家可以看到全部意见（只显示单位）及处理意见，不能撤回。"),
    )  # fmt: skip


# --- collating and answering ---------------------------------------------------------------------------------


@require_safe
def collation(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    found = load(request, code, edition, do=MANAGE)
    tree = load_tree(found.framework)
    comments = list(queries.live_comments(found))
    wanted = {name: request.GET.get(name, "") for name in ("dimension", "kind", "state")}
    shown = queries.filtered(comments, tree, **wanted)
    dimensions = [(one.code, str(one)) for one in tree.indicators if one.parent_id is None]
    context = {
        "consultation": found,
        "framework": found.framework,
        "is_open": found.is_open(),
        "groups": queries.grouped(shown, tree),
        "total": len(comments),
        "shown": len(shown),
        "waiting": sum(not comment.is_answered for comment in comments),
        "withdrawn": found.comments.exclude(withdrawn_at=None).count(),
        "wanted": wanted,
        "dimensions": [(queries.WHOLE, _("指标体系整体")), *dimensions],
        "kinds": Comment.Kind.choices,
        "states": [
            (queries.OPEN, _("未答复")),
            (queries.ANSWERED, _("已答复")),
            *Comment.Outcome.choices,
        ],
        "crumbs": crumbs(found, (_("意见汇总"), None)),
    }
    return render(request, "indicators/consultation_collation.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    """Answer the comments `?c=`, one or several that say the same."""
    found = load(request, code, edition, do=MANAGE)
    asked = map(whole_number, request.GET.getlist("c"))
    numbers = {number for number in asked if number is not None}
    comments = list(queries.live_comments(found).filter(pk__in=numbers)) if numbers else []
    if not comments:
        messages.error(request, _("请先选择要答复的意见。"))
        return redirect(address(found, "consultation_collation"))
    if len(comments) != len(numbers):
        raise Http404
    form = AnswerForm(request.POST or None, framework=found.framework, initial=_answer_of(comments))
    if request.method == "POST" and form.is_valid():
        try:
            actions.answer_comments(
                consultation=found, comments=sorted(numbers), by=request.user, **form.cleaned_data
            )
        except actions.ConsultationRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("已答复 %(n)s 条意见。") % {"n": len(comments)})
            return redirect(address(found, "consultation_collation"))
    context = {
        "consultation": found,
        "comments": comments,
        "form": form,
        "crumbs": crumbs(found, (_("意见汇总"), address(found, "consultation_collation")), (_("答复"), None)),
    }
    return render(request, "indicators/consultation_answer.html", context, status=422 if form.errors else 200)


def _answer_of(comments: list[Comment]) -> dict[str, Any]:
    """What the form starts with: the present answer of the first, or the indicator's own code."""
    first = comments[0]
    if first.is_answered:
        return {
            "outcome": first.outcome, "reason": first.outcome_reason, "next_framework": first.next_framework_id,
            "next_code": first.next_code,
        }  # fmt: skip
    return {}


@require_safe
def export(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    """意见汇总处理表, as Excel or with `?format=docx` as Word."""
    from indicators import consultation_documents as documents  # noqa: PLC0415 — writes documents

    found = load(request, code, edition, do=MANAGE)
    comments = queries.in_order(queries.live_comments(found), load_tree(found.framework))
    name = f"{found.framework.code}-{found.framework.edition}-意见汇总处理表"
    as_word = request.GET.get("format") == "docx"
    if as_word:
        response = download(documents.summary_document(found, comments), f"{name}.docx", DOCX)
    else:
        response = download(documents.summary_workbook(found, comments), f"{name}.xlsx", XLSX)
    actions.note_export(
        consultation=found, form="docx" if as_word else "xlsx", comments=len(comments), by=request.user
    )
    return response
