"""A city's case: its parts, one a page, with versions and pictures."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedRequest
from cities.actions import cases as actions
from cities.actions.common import ActionRefused, NotReady
from cities.case_documents import case_document
from cities.cases import LIMITS, length_of, may_write_section, parts_of, sections_of
from cities.evidence import EvidenceRefused, open_bytes
from cities.models import CasePicture, CaseSection, ChangeSource, Submission
from cities.phases import why_closed
from cities.queries import live_evidence
from cities.scope import visible_leaves
from cities.views.common import FILL_IN, WORK, crumbs, load
from indicators.word import DOCX


class SectionForm(forms.Form):
    """One part; the title is a line, the others are texts."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    text = forms.CharField(label=gettext_lazy("内容"), required=False, strip=False)

    def __init__(self, *args, section: CaseSection, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        limit = LIMITS[section.key]
        self.fields["text"].label = section.get_key_display()
        self.fields["text"].help_text = _("最多 %(n)s 字。") % {"n": limit}
        if section.key != CaseSection.Key.TITLE:
            rows = 8 if limit < 1000 else 16
            self.fields["text"].widget = forms.Textarea(
                attrs={"rows": rows, "class": "w-full", "data-limit": limit}
            )
            self.fields["text"].help_text += _("引用佐证材料请写编号，例如〔A1.2-01〕。")
        else:
            self.fields["text"].widget = forms.TextInput(attrs={"class": "w-full", "data-limit": limit})


class PictureForm(forms.Form):
    picture = forms.FileField(
        label=gettext_lazy("图片"),
        help_text=gettext_lazy("JPG 或 PNG。"),
        error_messages={
            "required": gettext_lazy("请选择图片。"),
            "empty": gettext_lazy("所选文件为空，请检查后重新上传。"),
        },
    )
    caption = forms.CharField(
        label=gettext_lazy("图注"),
        max_length=200,
        error_messages={"required": gettext_lazy("请填写图注，说明图中内容。")},
    )


def _load(request: AuthenticatedRequest, pk: int, key: str, *, write: bool = False) -> CaseSection:
    submission = load(request, pk, do=WORK if write else None)
    if key not in LIMITS:
        raise Http404
    writes = write and request.method == "POST"
    sections = actions.open_case(submission=submission) if writes else sections_of(submission)
    section = next(one for one in sections if one.key == key)
    section.submission = submission
    if write and not may_write_section(request.user, section):
        raise PermissionDenied
    return section


@require_safe
def case(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    parts = parts_of(submission, sections_of(submission))
    context = {
        "submission": submission,
        "parts": parts,
        "done": sum(part.is_done for part in parts),
        "why_closed": why_closed(submission),
        "crumbs": crumbs(submission, (_("城市案例"), None)),
    }
    return render(request, "cities/case.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def section(request: AuthenticatedRequest, pk: int, key: str) -> HttpResponse:
    stored = _load(request, pk, key, write=request.method == "POST")
    if request.method == "POST":
        return _save(request, stored)
    return _page(request, stored, SectionForm(section=stored, initial=_initial(stored)))


def _initial(stored: CaseSection) -> dict[str, object]:
    return {"version": stored.version, "text": stored.text}


def _save(request: AuthenticatedRequest, stored: CaseSection) -> HttpResponse:
    arrived = timezone.now()
    form = SectionForm(request.POST, section=stored)
    if not form.is_valid():
        return _page(request, stored, form, status=422)
    then = request.POST.get("then", "stay")
    autosaves = then == "autosave"
    try:
        saved = actions.save_section(
            section=stored, text=form.cleaned_data["text"], seen_version=form.cleaned_data["version"],
            by=request.user, ready=then == "ready", at=arrived,
        )  # fmt: skip
    except ActionRefused as refusal:
        if autosaves:
            return HttpResponse(status=403)
        form.add_error(None, str(refusal))
        return _page(request, stored, form, status=409)
    except actions.CaseConflict as conflict:
        if autosaves:
            return HttpResponse(status=409)
        form = SectionForm(section=stored, initial=_initial(conflict.section) | {"text": conflict.mine})
        return _page(
            request, conflict.section, form, status=409, theirs=conflict.section.text, has_errors=True
        )
    except NotReady as refusal:
        stored.refresh_from_db()
        form = SectionForm(_initial(stored), section=stored)
        form.is_valid()
        for problem in refusal.problems:
            form.add_error("text", problem.message)
        return _page(request, stored, form, status=422)
    if autosaves:
        at = timezone.localtime(saved.updated_at or arrived)
        return JsonResponse(
            {"fields": {"version": saved.version, "text": saved.text}, "saved_at": f"{at:%H:%M}"}
        )
    messages.success(request, _("已标记为完成。") if then == "ready" else _("已保存。"))
    following = _following(stored.key) if then in ("next", "ready") else stored.key
    if following is None:
        return redirect("submission:case", pk=stored.submission_id)
    return redirect("submission:case_section", pk=stored.submission_id, key=following)


def _pictures(stored: CaseSection) -> QuerySet[CasePicture]:
    return CasePicture.objects.filter(section=stored.pk, deleted_at=None)


def _following(key: str) -> str | None:
    keys = list(LIMITS)
    at = keys.index(key) + 1
    return keys[at] if at < len(keys) else None


def _page(
    request: AuthenticatedRequest,
    stored: CaseSection,
    form: SectionForm,
    *,
    status: int = 200,
    picture_form: PictureForm | None = None,
    **extra: object,
) -> HttpResponse:
    submission: Submission = stored.submission
    closed = why_closed(submission)
    evidence = live_evidence(submission)
    visible = visible_leaves(request.user, submission)
    if visible is not None:
        evidence = evidence.filter(indicator__in=visible)
    context = {
        "submission": submission,
        "section": stored,
        "form": form,
        "picture_form": picture_form or PictureForm(),
        "pictures": _pictures(stored).select_related("file"),
        "length": length_of(stored.text),
        "limit": LIMITS[stored.key],
        "evidence": evidence.order_by("indicator__position", "sequence"),
        "why_closed": closed,
        "is_somebody_elses": not closed
        and request.user.has_perm(WORK, submission)
        and not may_write_section(request.user, stored),
        "shows_form": form.is_bound
        or (request.user.has_perm(FILL_IN, submission) and may_write_section(request.user, stored)),
        "keys": [(key, CaseSection.Key(key).label) for key in LIMITS],
        "crumbs": crumbs(
            submission,
            (_("城市案例"), reverse("submission:case", args=[submission.pk])),
            (stored.get_key_display(), None),
        ),
        **extra,
    }
    return render(request, "cities/case_section.html", context, status=status)


@require_safe
def history(request: AuthenticatedRequest, pk: int, key: str) -> HttpResponse:
    stored = _load(request, pk, key)
    log = stored.log.all() if stored.pk else CaseSection.history.none()
    versions = list(log.select_related("history_user").order_by("-version", "-history_id"))
    for version in versions:
        version.source_label = dict(ChangeSource.choices).get(version.history_change_reason, "")
    submission = stored.submission
    context = {
        "submission": submission,
        "section": stored,
        "versions": versions,
        "may_fill_in": request.user.has_perm(FILL_IN, submission) and may_write_section(request.user, stored),
        "crumbs": crumbs(
            submission,
            (_("城市案例"), reverse("submission:case", args=[pk])),
            (stored.get_key_display(), reverse("submission:case_section", args=[pk, key])),
            (_("修改记录"), None),
        ),
    }
    return render(request, "cities/case_history.html", context)


@require_POST
def restore(request: AuthenticatedRequest, pk: int, key: str, version: int) -> HttpResponse:
    stored = _load(request, pk, key, write=True)
    try:
        actions.restore_section(section=stored, version=version, by=request.user)
    except (ActionRefused, actions.CaseConflict) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("已恢复第 %(n)s 版的内容。") % {"n": version})
    return redirect("submission:case_section", pk=pk, key=key)


@require_POST
def picture_add(request: AuthenticatedRequest, pk: int, key: str) -> HttpResponse:
    stored = _load(request, pk, key, write=True)
    form = PictureForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            actions.add_picture(
                section=stored, upload=form.cleaned_data["picture"], caption=form.cleaned_data["caption"],
                by=request.user,
            )  # fmt: skip
        except (ActionRefused, EvidenceRefused) as refusal:
            form.add_error("picture", str(refusal))
        else:
            messages.success(request, _("已添加图片。"))
            return redirect("submission:case_section", pk=pk, key=key)
    own = SectionForm(section=stored, initial=_initial(stored))
    return _page(request, stored, own, status=422, picture_form=form, has_errors=True)


@require_http_methods(["GET", "HEAD", "POST"])
def picture_delete(request: AuthenticatedRequest, pk: int, key: str, picture: int) -> HttpResponse:
    stored = _load(request, pk, key, write=True)
    found = get_object_or_404(_pictures(stored), pk=picture)
    refusal = why_closed(stored.submission)
    if request.method == "POST":
        try:
            actions.delete_picture(picture=found, by=request.user)
        except ActionRefused as refused:
            refusal = str(refused)
        else:
            messages.success(request, _("已删除图片。"))
            return redirect("submission:case_section", pk=pk, key=key)
    context = {
        "submission": stored.submission,
        "section": stored,
        "picture": found,
        "extra_errors": [{"message": refusal, "href": ""}] if refusal else [],
        "has_errors": bool(refusal),
        "crumbs": crumbs(
            stored.submission,
            (_("城市案例"), reverse("submission:case", args=[pk])),
            (stored.get_key_display(), reverse("submission:case_section", args=[pk, key])),
            (_("删除图片"), None),
        ),
    }
    return render(request, "cities/case_picture_delete.html", context, status=409 if refusal else 200)


@require_safe
def picture(request: AuthenticatedRequest, pk: int, picture: int) -> HttpResponse:
    """The bytes of a picture, to those who may read the submission."""
    submission = load(request, pk)
    found = get_object_or_404(
        CasePicture.objects.select_related("file"),
        pk=picture,
        section__submission=submission,
        deleted_at=None,
    )
    with open_bytes(found.file) as file:
        response = HttpResponse(file.read(), content_type=found.file.content_type)
    response["Cache-Control"] = "private, max-age=600"
    return response


@require_safe
def document(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    content = case_document(submission, submission.case_sections.all())
    response = HttpResponse(content, content_type=DOCX)
    name = f"{submission.city}城市案例.docx"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
