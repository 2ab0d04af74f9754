"""The administrator's view of a round under way: cities, reviewers, reminders, the rules that may still change."""

import csv
import io
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.http import AuthenticatedRequest
from accounts.texts import whole_number
from cities.actions import ActionRefused
from indicators.workbooks import Sheet, csv_text, write_workbook
from scoring import progress
from scoring.actions import steering
from scoring.actions.assigning import why_review_is_open
from scoring.forms_assigning import RulesForm
from scoring.views.manage_common import CSV, XLSX, download, file_name, load_round, round_crumbs

TABS = ("city", "review")
_IDLE_DAYS = 3


def _tab(text: str | None) -> str:
    return text if text in TABS else TABS[0]


@require_safe
def page(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = load_round(request, code)
    tab = _tab(request.GET.get("tab"))
    context: dict[str, Any] = {
        "round": found,
        "tab": tab,
        "crumbs": round_crumbs(found, (_("进度"), None)),
    }
    if tab == "city":
        state = progress.city_progress(found)
        wanted = request.GET.get("status", "")
        context |= {
            "state": state,
            "wanted": wanted,
            "lines": [line for line in state.lines if not wanted or line.submission.status == wanted],
        }
    else:
        days = _days(request.GET.get("days"))
        review = progress.review_progress(found)
        context |= {"state": review, "days": days, "idle": review.idle(days)}
    return render(request, f"scoring/manage/progress_{tab}.html", context)


def _days(text: str | None) -> int:
    """How many days without a mark count as idle."""
    return min(whole_number(text) or _IDLE_DAYS, 999)


@require_POST
def remind(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = load_round(request, code)
    tab = _tab(request.POST.get("tab"))
    asked = map(whole_number, request.POST.getlist("who"))
    chosen = [number for number in asked if number is not None]
    act = steering.remind_cities if tab == "city" else steering.remind_reviewers
    try:
        if not chosen:
            raise ActionRefused(_("请先勾选要提醒的对象。"))
        told = act(round_=found, chosen=chosen, by=request.user)
    except ActionRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("已提醒 %(n)s 人。") % {"n": told})
    return redirect(reverse("manage:progress", args=[code]) + f"?tab={tab}")


@require_safe
def export(request: AuthenticatedRequest, code: str) -> HttpResponse:
    """Both tables as a workbook, or the table of one tab as CSV."""
    found = load_round(request, code)
    kind, tab = request.GET.get("format", "xlsx"), _tab(request.GET.get("tab"))
    if kind not in ("xlsx", "csv"):
        raise Http404
    audit.record(actor=request.user, action="export_progress", target=found.code, format=kind)
    if kind == "csv":
        headings, rows = (
            progress.city_table(progress.city_progress(found))
            if tab == "city"
            else progress.review_table(progress.review_progress(found))
        )
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(headings)
        writer.writerows([csv_text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
        name = "填报进度.csv" if tab == "city" else "评审进度.csv"
        return download(text.getvalue().encode("utf-8-sig"), file_name(found, name), CSV)
    sheets = [
        Sheet("填报进度", *progress.city_table(progress.city_progress(found))),
        Sheet("评审进度", *progress.review_table(progress.review_progress(found))),
    ]
    title = f"{found.name} 进度{''.join(f'（{mark}）' for mark in found.marks)}"
    return download(write_workbook(sheets, title=title), file_name(found, "进度.xlsx"), XLSX)


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: AuthenticatedRequest, code: str) -> HttpResponse:
    """The rules of the round; those of judging are open until the first mark."""
    found = load_round(request, code)
    locked = why_review_is_open(found)
    names = (*steering.JUDGING_RULES, *steering.OTHER_RULES)
    initial = {name: getattr(found, name) for name in names}
    form = RulesForm(request.POST if request.method == "POST" else None, initial=initial, locked=bool(locked))
    if request.method == "POST" and form.is_valid():
        try:
            changed = steering.set_rules(round_=found, rules=form.cleaned_data, by=request.user)
        except ActionRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("已保存。") if changed else _("没有变化。"))
            return redirect("manage:settings", code=code)
    context = {
        "round": found,
        "form": form,
        "locked": locked,
        "crumbs": round_crumbs(found, (_("评审规则"), None)),
    }
    return render(
        request, "scoring/manage/progress_settings.html", context, status=422 if form.errors else 200
    )
