"""Who works for a city: one-time links that make members, and what the lead changes of them."""

import hashlib
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions.common import ActionRefused
from cities.models import CaseSection, City, Department, Invitation, Membership, Responsibility

VALID_FOR = timedelta(days=14)


def token_of(
    *,
    nonce: str,
    by: User,
    city: City,
    role: str = Membership.Role.EDITOR,
    department: Department | None = None,
) -> str:
    """The secret of a link: made from what the form carried, so that pressing twice makes one invitation.

    The same form sent for another city, role or department makes another link, never shows the first one's.
    """
    place = f"{city.pk}:{role}:{department.pk if department else ''}"
    return salted_hmac("cities.invitation", f"{by.pk}:{place}:{nonce}", algorithm="sha256").hexdigest()


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def invite(
    *,
    city: City,
    token: str,
    by: User,
    role: str = Membership.Role.EDITOR,
    department: Department | None = None,
    display_name: str = "",
    email: str = "",
) -> Invitation:
    """A link for one person, good for 14 days. Only the token's digest is stored; the same token gives the same one.

    Raises:
        ActionRefused: a department of another city.
    """
    if department is not None and department.city_id != city.pk:
        raise ActionRefused("所选单位不属于本市，请刷新页面后重新选择。")
    made, new = Invitation.objects.get_or_create(
        token_sha256=digest_of(token),
        defaults={
            "city": city, "department": department, "role": role, "display_name": display_name.strip(),
            "email": email, "created_by": by, "expires_at": timezone.now() + VALID_FOR,
        },
    )  # fmt: skip
    if new:
        audit.record(
            actor=by, action="invite_member", target=city, role=role, name=made.display_name,
            department=str(department or ""), invitation=made.pk,
        )  # fmt: skip
    return made


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, by: User) -> None:
    """The link works no longer. Doing it twice changes nothing.

    Raises:
        ActionRefused: somebody has used it.
    """
    stored = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
    if stored.used_at is not None:
        raise ActionRefused("这份邀请已被使用，不能撤回。如需停止其权限，请在成员名单中移出。")
    if stored.withdrawn_at is None:
        stored.withdrawn_at = timezone.now()
        stored.save(update_fields=["withdrawn_at"])
        audit.record(actor=by, action="withdraw_invitation", target=invitation.city, invitation=stored.pk)


def why_useless(invitation: Invitation) -> str:
    """Why the link makes nobody a member any more; empty when it does."""
    if invitation.withdrawn_at is not None:
        return "这份邀请已被撤回。请向本市牵头单位要一个新的链接。"
    if invitation.used_at is not None:
        return "这个邀请链接已被使用，只能用一次。如果是您本人用过，请直接登录。"
    if invitation.expires_at <= timezone.now():
        return "这个邀请链接已过期。请向本市牵头单位要一个新的链接。"
    if not _still_leads(invitation):
        return "发出这份邀请的人员已不再牵头本市工作，邀请失效。请向本市牵头单位要一个新的链接。"
    return ""


def _still_leads(invitation: Invitation) -> bool:
    """Whether whoever made it could make it today: a link lends no right that its maker has lost."""
    leads = Membership.objects.filter(city=invitation.city_id, role=Membership.Role.LEAD)
    return leads.filter(user=invitation.created_by_id, user__is_active=True).exists()


def find_invitation(token: str) -> Invitation | None:
    found = Invitation.objects.select_related("city", "department", "created_by")
    return found.filter(token_sha256=digest_of(token)).first()


@transaction.atomic
def accept_invitation(*, invitation: Invitation, by: User) -> Membership:
    """Make somebody who has an account a member, once. The same person's second click finds the first one's.

    Raises:
        ActionRefused: used, withdrawn or expired; no city's account; or a member already.
    """
    stored = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
    existing = Membership.objects.filter(user=by, city=stored.city_id).first()
    if existing is not None and stored.used_by_id == by.pk:
        return existing
    refusal = why_useless(stored)
    if refusal:
        raise ActionRefused(refusal)
    if by.role != User.Role.CITY or by.is_administrator:
        raise ActionRefused("评审专家和管理员的账号不能加入城市。请用城市工作人员的账号登录，或新建账号。")
    if existing is not None:
        raise ActionRefused("您已是本市成员，不需要再加入。这个链接仍可由他人使用。")
    made = Membership.objects.create(
        user=by, city=stored.city, department=stored.department, role=stored.role
    )
    stored.used_at, stored.used_by = timezone.now(), by
    stored.save(update_fields=["used_at", "used_by"])
    audit.record(
        actor=by, action="join_city", target=stored.city, role=stored.role, invitation=stored.pk,
        department=str(stored.department or ""),
    )  # fmt: skip
    notify(
        [stored.created_by], kind="invited", key=f"joined:{stored.pk}",
        text=f"{by.display_name}已接受邀请，加入{stored.city}{stored.department or ''}。",
    )  # fmt: skip
    return made


@transaction.atomic
def register(*, invitation: Invitation, username: str, display_name: str, password: str) -> User:
    """A new account for the person invited, a member from the start. The form has checked the password.

    Raises:
        ActionRefused: used, withdrawn or expired, or the name was taken meanwhile; nothing is written.
    """
    stored = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
    refusal = why_useless(stored)
    if refusal:
        raise ActionRefused(refusal)
    taken = "这个用户名已有人使用，请换一个。"
    if User.objects.filter(username__iexact=username).exists():
        raise ActionRefused(taken)
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                username=username, password=password, display_name=display_name, role=User.Role.CITY,
                email=stored.email,
            )  # fmt: skip
    except IntegrityError as error:  # somebody took it at this moment
        raise ActionRefused(taken) from error
    accept_invitation(invitation=stored, by=user)
    return user


# --- members -----------------------------------------------------------------------------------------------------


@transaction.atomic
def move_member(*, membership: Membership, department: Department | None, by: User) -> Membership:
    """Let a member work for another department of the city, or for none.

    Raises:
        ActionRefused: a department of another city.
    """
    if department is not None and department.city_id != membership.city_id:
        raise ActionRefused("所选单位不属于本市，请刷新页面后重新选择。")
    stored = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("city", "department", "user")
        .get(pk=membership.pk)
    )
    if stored.department == department:
        return stored
    was, stored.department = stored.department, department
    stored.save(update_fields=["department"])
    audit.record(
        actor=by, action="move_member", target=stored.city, member=stored.user.username, was=str(was or ""),
        now=str(department or ""),
    )  # fmt: skip
    return stored


@transaction.atomic
def remove_member(*, membership: Membership, by: User) -> None:
    """Take an editor's access to the city away; what they wrote stays, what was given to them by name is free again.

    Raises:
        ActionRefused: a lead, whom only an administrator removes.
    """
    stored = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("city", "user")
        .filter(pk=membership.pk)
        .first()
    )
    if stored is None:
        return  # the second of two clicks
    if stored.role == Membership.Role.LEAD:
        raise ActionRefused("牵头人员由管理员移出。请联系管理员。")
    city, user = stored.city, stored.user
    Responsibility.objects.filter(Q(person=user), answer__submission__city=city).update(person=None)
    CaseSection.objects.filter(person=user, submission__city=city).update(person=None)
    open_ones = Invitation.objects.filter(city=city, created_by=user, used_at=None, withdrawn_at=None)
    withdrawn = open_ones.update(withdrawn_at=timezone.now())
    stored.delete()
    audit.record(
        actor=by, action="remove_member", target=city, member=user.username,
        withdrawn_invitations=withdrawn,
    )  # fmt: skip
