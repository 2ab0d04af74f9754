"""Members of a city, invitations to become one, and the page behind a one-time link."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import AuthenticatedRequest
from accounts.models import User
from accounts.texts import whole_number
from cities import actions, queries
from cities.dividing_forms import InviteForm, JoinForm
from cities.models import Department, Invitation, Membership, Submission
from cities.views.common import DIVIDE, crumbs, load

MODEL_BACKEND = "accounts.backends.PersonBackend"


@require_http_methods(["GET", "HEAD", "POST"])
def members(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Members and invitations; a POST makes a link, which this answer shows and no later page."""
    submission = load(request, pk, do=DIVIDE)
    fresh = {"nonce": get_random_string(32)}
    form = InviteForm(request.POST or None, city=submission.city, initial=fresh)
    link, made = "", None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        token = actions.token_of(
            nonce=data["nonce"], by=request.user, city=submission.city, role=data["role"],
            department=data["department"],
        )  # fmt: skip
        try:
            made = actions.invite(
                city=submission.city, token=token, by=request.user, role=data["role"], department=data["department"],
                display_name=data["display_name"], email=data["email"],
            )  # fmt: skip
        except actions.ActionRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            link = request.build_absolute_uri(reverse("join", args=[token]))
            form = InviteForm(city=submission.city, initial=fresh)
    context = {
        "submission": submission,
        "form": form,
        "link": link,
        "made": made,
        "members": queries.members(submission.city),
        "departments": submission.city.departments.all(),
        "invitations": submission.city.invitations.select_related("department", "created_by", "used_by"),
        "now": timezone.now(),
        "crumbs": crumbs(submission, (_("成员与邀请"), None)),
    }
    return render(request, "cities/members.html", context, status=422 if form.errors else 200)


def _member(request: AuthenticatedRequest, pk: int, member: int) -> tuple[Submission, Membership]:
    submission = load(request, pk, do=DIVIDE)
    found = Membership.objects.select_related("user", "city", "department")
    return submission, get_object_or_404(found, city=submission.city_id, pk=member)


@require_POST
def member_move(request: AuthenticatedRequest, pk: int, member: int) -> HttpResponse:
    submission, found = _member(request, pk, member)
    chosen = request.POST.get("department", "")
    department: Department | None = None
    if chosen:
        department = get_object_or_404(Department, city=submission.city_id, pk=whole_number(chosen))
    actions.move_member(membership=found, department=department, by=request.user)
    messages.success(request, _("已更新 %(name)s 的单位。") % {"name": found.user})
    return redirect("submission:members", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def member_remove(request: AuthenticatedRequest, pk: int, member: int) -> HttpResponse:
    submission, found = _member(request, pk, member)
    error = ""
    if request.method == "POST":
        name = str(found.user)
        try:
            actions.remove_member(membership=found, by=request.user)
        except actions.ActionRefused as refusal:
            error = str(refusal)
        else:
            messages.success(request, _("已移出 %(name)s。") % {"name": name})
            return redirect("submission:members", pk=pk)
    context = {
        "submission": submission,
        "member": found,
        "given": submission.answers.filter(responsibility__person=found.user_id).count(),
        "extra_errors": [{"message": error, "href": ""}] if error else [],
        "has_errors": bool(error),
        "crumbs": crumbs(
            submission, (_("成员与邀请"), reverse("submission:members", args=[pk])), (_("移出成员"), None)
        ),
    }
    return render(request, "cities/members_remove.html", context, status=409 if error else 200)


@require_POST
def invitation_withdraw(request: AuthenticatedRequest, pk: int, invitation: int) -> HttpResponse:
    submission = load(request, pk, do=DIVIDE)
    found = get_object_or_404(
        Invitation.objects.select_related("city"), city=submission.city_id, pk=invitation
    )
    try:
        actions.withdraw_invitation(invitation=found, by=request.user)
    except actions.ActionRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("邀请已撤回，链接不再有效。"))
    return redirect("submission:members", pk=pk)


# --- behind the link ---------------------------------------------------------------------------------------------


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time link: a new account, or the one that is signed in, becomes a member. Looking uses nothing up."""
    invitation = actions.find_invitation(token)
    if invitation is None:
        raise Http404
    useless = actions.why_useless(invitation)
    form = JoinForm(
        request.POST if request.method == "POST" else None, initial={"display_name": invitation.display_name}
    )
    refusal = ""
    if request.method == "POST":
        try:
            if request.user.is_authenticated:
                actions.accept_invitation(invitation=invitation, by=request.user)
                return _welcome(request, invitation)
            if not useless and form.is_valid():
                user = actions.register(
                    invitation=invitation, username=form.cleaned_data["username"],
                    display_name=form.cleaned_data["display_name"], password=form.cleaned_data["password"],
                )  # fmt: skip
                login(request, user, backend=MODEL_BACKEND)
                return _welcome(request, invitation)
        except actions.ActionRefused as refused:
            refusal = str(refused)
    return _join_page(request, invitation, useless=useless, refusal=refusal, form=form)


def _welcome(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    messages.success(request, _("您已加入%(city)s。") % {"city": invitation.city})
    return redirect("home")


def _join_page(
    request: HttpRequest, invitation: Invitation, *, useless: str, refusal: str, form: JoinForm
) -> HttpResponse:
    status = 200
    if useless:
        status = 410
    elif request.method == "POST":
        status = 422
    is_staff = isinstance(request.user, User) and request.user.role == User.Role.CITY
    context = {
        "invitation": invitation,
        "useless": useless,
        "form": form if not useless and not request.user.is_authenticated else None,
        "may_join": is_staff and not request.user.is_superuser,
        "extra_errors": [{"message": refusal, "href": ""}] if refusal and not useless else [],
        "has_errors": bool(refusal),
        "here": request.path,
    }
    response = render(request, "cities/invitation.html", context, status=status)
    patch_cache_control(response, private=True, no_store=True)
    return response
