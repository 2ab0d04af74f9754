"""Pages of an edition's life: copied as the next one, compared, checked, published, retired, printed, in Word."""

from urllib.parse import quote

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from indicators import editions
from indicators.actions import FrameworkError
from indicators.diffs import compare, summary
from indicators.documents import rule_words, state_words
from indicators.edition_queries import other_editions, readiness
from indicators.exporters import data_of
from indicators.models import Framework
from indicators.official import official_table
from indicators.presenters import diff_rows, setting_changes, sums
from indicators.queries import load_tree
from indicators.word import DOCX

SEE = "indicators.see_framework"
MANAGE = "accounts.administer"


class CopyForm(forms.Form):
    edition = forms.CharField(
        label=gettext_lazy("新版本的版本号"),
        max_length=64,
        help_text=gettext_lazy("同一指标体系内不能重复，发布后不能更改。"),
        error_messages={"required": gettext_lazy("请填写新版本的版本号。")},
    )


class RetireForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("停用的原因"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("例如：已由 2026 版代替。原因显示在本版本的页面上，并记入审计记录。"),
        error_messages={"required": gettext_lazy("请填写停用的原因。")},
    )


def _load(
    request: AuthenticatedRequest, code: str, edition: str, *, do: str | None = None, see: str = SEE
) -> Framework:
    frameworks = Framework.objects.select_related("based_on")
    return load_for(request.user, frameworks, see=see, do=do, code=code, edition=edition)


def _crumbs(framework: Framework, here: str) -> list[tuple[str, str | None]]:
    return [
        (_("首页"), "/"),
        (_("指标体系"), reverse("framework:list")),
        (str(framework), _address(framework)),
        (here, None),
    ]


def _address(framework: Framework, page: str = "detail") -> str:
    return reverse(f"framework:{page}", args=[framework.code, framework.edition])


# --- copying and comparing ---------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def edition_copy(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = _load(request, code, edition, do=MANAGE)
    proposed = editions.next_edition(framework.edition, editions.editions_of(framework.code))
    form = CopyForm(request.POST or None, initial={"edition": proposed})
    if request.method == "POST" and form.is_valid():
        try:
            made = editions.copy_edition(
                source=framework, edition=form.cleaned_data["edition"], by=request.user
            )
        except editions.EditionRefused as refusal:
            form.add_error("edition", str(refusal))
        else:
            messages.success(request, _("已复制为草案 %(edition)s。") % {"edition": made.edition})
            return redirect(_address(made))
    context = {"framework": framework, "form": form, "crumbs": _crumbs(framework, _("复制为新版本"))}
    return render(request, "indicators/copy.html", context, status=422 if form.errors else 200)


@require_safe
def edition_diff(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = _load(request, code, edition)
    others = list(other_editions(request.user, framework))
    old = _compared_with(request, framework, others)
    context = {
        "framework": framework,
        "others": others,
        "old": old,
        "crumbs": _crumbs(framework, _("版本对照")),
    }
    if old is not None:
        comparison = compare(data_of(old), data_of(framework))
        context |= {
            "comparison": comparison,
            "summary": summary(comparison),
            "settings": setting_changes(comparison),
            "rows": diff_rows(comparison),
            "comparable": len(comparison.comparable),
        }
    return render(request, "indicators/diff.html", context)


def _compared_with(
    request: AuthenticatedRequest, framework: Framework, others: list[Framework]
) -> Framework | None:
    """The edition that `with` names; else the one this was copied from, else the one before, else any other."""
    named = request.GET.get("with", "")
    if named:
        return _load(request, framework.code, named)
    older = [one for one in others if one.pk < framework.pk]
    source = [one for one in others if one.pk == framework.based_on_id]
    return next(iter([*source, *older, *others]), None)


# --- publishing and retiring -------------------------------------------------------------------------------


@require_safe
def edition_check(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    return _check_page(request, _load(request, code, edition, do=MANAGE))


def _check_page(request: AuthenticatedRequest, framework: Framework, status: int = 200) -> HttpResponse:
    context = {
        "framework": framework,
        "sums": sums(load_tree(framework)),
        "readiness": readiness(framework),
        "crumbs": _crumbs(framework, _("发布前检查")),
    }
    return render(request, "indicators/publish_check.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def edition_publish(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = _load(request, code, edition, do=MANAGE)
    if not framework.is_draft:  # also the second of two clicks
        messages.info(request, _("本版本已经发布。"))
        return redirect(_address(framework))
    if request.method == "POST":
        try:
            first = editions.publish_edition(framework=framework, by=request.user)
        except FrameworkError:
            return _check_page(request, framework, status=422)
        said = _("版本 %(edition)s 已发布。") if first else _("版本 %(edition)s 已经发布。")
        messages.success(request, said % {"edition": framework.edition})
        return redirect(_address(framework))
    if not readiness(framework).is_clean:
        return redirect(_address(framework, "check"))
    context = {
        "framework": framework,
        "sums": sums(load_tree(framework)),
        "crumbs": _crumbs(framework, _("发布")),
    }
    return render(request, "indicators/publish.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edition_retire(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = _load(request, code, edition, do=MANAGE)
    form = RetireForm(request.POST or None)
    if framework.status != Framework.Status.PUBLISHED:
        said = _("草案尚未发布，不需要停用。") if framework.is_draft else _("本版本已经停用。")
        messages.info(request, said)
        return redirect(_address(framework))
    if request.method == "POST" and form.is_valid():
        try:
            editions.retire_edition(framework=framework, reason=form.cleaned_data["reason"], by=request.user)
        except editions.EditionRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("版本 %(edition)s 已停用。") % {"edition": framework.edition})
            return redirect(_address(framework))
    context = {
        "framework": framework,
        "form": form,
        "rounds": framework.rounds.all(),
        "crumbs": _crumbs(framework, _("停用")),
    }
    return render(request, "indicators/retire.html", context, status=422 if form.errors else 200)


# --- on paper ----------------------------------------------------------------------------------------------


@require_safe
def edition_print(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = _load(request, code, edition)
    tree = load_tree(framework)
    context = {
        "framework": framework,
        "state": state_words(framework),
        "rules": rule_words(framework),
        "table": official_table(tree),
        "sums": sums(tree),
        "crumbs": _crumbs(framework, _("正式表格")),
    }
    return render(request, "indicators/official.html", context)


@require_safe
def edition_word(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = _load(request, code, edition)
    content = editions.export_document(load_tree(framework), by=request.user)
    name = quote(f"{framework.code}-{framework.edition}.docx")
    return HttpResponse(
        content,
        content_type=DOCX,
        headers={"Content-Disposition": f"attachment; filename=\"framework.docx\"; filename*=UTF-8''{name}"},
    )
