"""Site visits: arranged by those who steer, written by those who went."""

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import queries as city_queries
from cities.actions.common import ActionRefused
from cities.evidence import EvidenceRefused, open_bytes
from cities.models import Submission
from indicators.queries import load_tree
from indicators.word import DOCX
from scoring.actions import visits as actions
from scoring.models import SiteVisit
from scoring.permissions import steered_by
from scoring.visit_documents import visit_document
from scoring.visit_forms import NoteForm, PhotoForm, SummaryForm, VisitForm


def _load(request: AuthenticatedRequest, pk: int, *, write: bool = False) -> SiteVisit:
    visits = SiteVisit.objects.select_related("submission__round__framework", "submission__city")
    do = "scoring.write_visit" if write else None
    visit = load_for(request.user, visits, see="scoring.see_visit", do=do, pk=pk)
    request.current_round = visit.submission.round
    return visit


@require_safe
def index(request: AuthenticatedRequest) -> HttpResponse:
    user = request.user
    if not (user.is_administrator or user.is_reviewer):
        raise Http404
    found = SiteVisit.objects.select_related("submission__round", "submission__city").prefetch_related(
        "members"
    )
    entries = city_queries.submissions().order_by("-round__year", "-round_id", "city__code")
    steered = steered_by(user, entries)
    mine = {one.pk for one in steered}
    context = {
        "visits": [
            visit
            for visit in found
            if visit.submission_id in mine or user.has_perm("scoring.see_visit", visit)
        ],
        "submissions": steered,
        "crumbs": [(_("首页"), "/"), (_("实地考察"), None)],
    }
    return render(request, "scoring/visits/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: AuthenticatedRequest, submission: int) -> HttpResponse:
    see = "scoring.arrange_visits"
    found: Submission = load_for(request.user, city_queries.submissions(), see=see, pk=submission)
    return _form(request, found, None, VisitForm(request.POST or None))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    visit = _load(request, pk, write=True)
    initial = {
        "starts_on": visit.starts_on, "ends_on": visit.ends_on, "members": visit.members.all(),
        "other_members": visit.other_members, "itinerary": visit.itinerary,
    }  # fmt: skip
    return _form(request, visit.submission, visit, VisitForm(request.POST or None, initial=initial))


def _form(
    request: AuthenticatedRequest, submission: Submission, visit: SiteVisit | None, form: VisitForm
) -> HttpResponse:
    request.current_round = submission.round
    if form.is_bound and form.is_valid():
        try:
            made = actions.record_visit(
                submission=submission, by=request.user, visit=visit, **form.cleaned_data
            )
        except ActionRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("已登记考察。"))
            return redirect("visits:visit", pk=made.pk)
    context = {
        "submission": submission,
        "form": form,
        "crumbs": [
            (_("首页"), "/"),
            (_("实地考察"), reverse("visits:index")),
            (str(submission.city), reverse("visits:visit", args=[visit.pk]) if visit else None),
        ],
    }
    return render(request, "scoring/visits/form.html", context, status=422 if form.errors else 200)


@require_safe
def visit(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    return _page(request, _load(request, pk))


def _page(request: AuthenticatedRequest, visit: SiteVisit, **forms: Form) -> HttpResponse:
    leaves = load_tree(visit.submission.round.framework).leaves
    context = {
        "visit": visit,
        "members": visit.members.order_by("display_name"),
        "notes": visit.notes.select_related("indicator", "by").order_by("indicator__position", "id"),
        "photos": visit.photos.select_related("indicator", "file").order_by("indicator__position", "id"),
        "may_write": request.user.has_perm("scoring.write_visit", visit),
        "note_form": NoteForm(leaves=leaves, prefix="note"),
        "photo_form": PhotoForm(leaves=leaves, prefix="photo"),
        "summary_form": SummaryForm(initial={"summary": visit.summary}),
        "crumbs": [(_("首页"), "/"), (_("实地考察"), reverse("visits:index")), (str(visit), None)],
        **forms,
        "forms_with_errors": [form for form in forms.values() if form.errors],
        "has_errors": any(form.errors for form in forms.values()),
    }
    return render(request, "scoring/visits/visit.html", context, status=422 if forms else 200)


@require_POST
def note_add(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    visit = _load(request, pk, write=True)
    form = NoteForm(request.POST, leaves=load_tree(visit.submission.round.framework).leaves, prefix="note")
    if not form.is_valid():
        return _page(request, visit, note_form=form)
    actions.add_note(visit=visit, by=request.user, **form.cleaned_data)
    messages.success(request, _("已保存考察记录。"))
    return redirect("visits:visit", pk=pk)


@require_POST
def photo_add(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    visit = _load(request, pk, write=True)
    leaves = load_tree(visit.submission.round.framework).leaves
    form = PhotoForm(request.POST, request.FILES, leaves=leaves, prefix="photo")
    if form.is_valid():
        data = form.cleaned_data
        try:
            actions.add_photo(
                visit=visit, indicator=data["indicator"], upload=data["file"], caption=data["caption"],
                by=request.user,
            )  # fmt: skip
        except (ActionRefused, EvidenceRefused) as refusal:
            form.add_error("file", str(refusal))
        else:
            messages.success(request, _("已添加照片。"))
            return redirect("visits:visit", pk=pk)
    return _page(request, visit, photo_form=form)


@require_POST
def summary(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    visit = _load(request, pk, write=True)
    form = SummaryForm(request.POST)
    if not form.is_valid():
        return _page(request, visit, summary_form=form)
    actions.save_summary(visit=visit, text=form.cleaned_data["summary"], by=request.user)
    messages.success(request, _("已保存考察小结。"))
    return redirect("visits:visit", pk=pk)


@require_safe
def photo(request: AuthenticatedRequest, pk: int, photo: int) -> HttpResponse:
    found = get_object_or_404(_load(request, pk).photos.select_related("file"), pk=photo)
    with open_bytes(found.file) as file:
        response = HttpResponse(file.read(), content_type=found.file.content_type)
    response["Cache-Control"] = "private, max-age=600"
    return response


@require_safe
def report(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    found = _load(request, pk)
    response = HttpResponse(visit_document(found), content_type=DOCX)
    name = f"{found.submission.city}实地考察报告.docx"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
