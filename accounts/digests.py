"""The daily e-mail: what is unread, in one message a person and day at most."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notice, User
from accounts.notices import remind, waiting_for_mail

MOST_LINES = 50


@dataclass
class Outcome:
    """What a run did: people by what became of their message; the texts that a dry run would have sent."""

    sent: list[User] = field(default_factory=list)
    failed: list[tuple[User, str]] = field(default_factory=list)
    already_today: list[User] = field(default_factory=list)
    texts: list[tuple[User, str]] = field(default_factory=list)


def send_digests(*, at: datetime | None = None, dry_run: bool = False) -> Outcome:
    """Leave the notices that time brings about, then send each person the unread ones that no e-mail has told.

    Who has had a message today, has no address or does not want one gets none. Where sending fails the others are
    served all the same, and that person is tried again tomorrow.
    """
    at = at or timezone.now()
    if not dry_run:
        with transaction.atomic():
            remind.send(sender=User, at=at)
        return _send(at)
    with transaction.atomic():
        remind.send(sender=User, at=at)
        outcome = _collect(at)
        transaction.set_rollback(True)
    return outcome


def _people() -> list[tuple[User, list[Notice]]]:
    return [(user, list(own)) for user, own in groupby(waiting_for_mail(), key=lambda notice: notice.user)]


def _collect(at: datetime) -> Outcome:
    outcome, today = Outcome(), timezone.localdate(at)
    for user, notices in _people():
        if user.digest_on is not None and user.digest_on >= today:
            outcome.already_today.append(user)
        else:
            outcome.texts.append((user, digest_text(user, notices)))
    return outcome


def _send(at: datetime) -> Outcome:
    outcome, today = Outcome(), timezone.localdate(at)
    for user, notices in _people():
        if not _claim(user, today):
            outcome.already_today.append(user)
            continue
        try:
            send_mail(
                f"学习型城市评价：{len(notices)} 条未读通知", digest_text(user, notices),
                settings.DEFAULT_FROM_EMAIL, [user.email],
            )  # fmt: skip
        except Exception as error:  # whatever the mail server does, the others get theirs
            outcome.failed.append((user, f"{type(error).__name__}: {error}"))
            continue
        Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(mailed_at=at)
        outcome.sent.append(user)
    return outcome


def _claim(user: User, today: date) -> bool:
    """Take today's one message for this person; False when it was taken, also by a run at the same moment."""
    free = Q(digest_on=None) | Q(digest_on__lt=today)
    return bool(User.objects.filter(free, pk=user.pk).update(digest_on=today))


def digest_text(user: User, notices: Sequence[Notice]) -> str:
    """The message in plain text."""
    site = site_address()
    lines = [f"{user}，您好：", "", f"学习型城市评价系统中有 {len(notices)} 条未读通知：", ""]
    for number, notice in enumerate(notices[:MOST_LINES], 1):
        lines.append(f"{number}. {notice.text}")
        if notice.url:
            lines.append(f"   {site}{notice.url}")
    if len(notices) > MOST_LINES:
        lines.append(f"另有 {len(notices) - MOST_LINES} 条，请登录查看。")
    lines += [
        "",
        f"全部通知：{site}{reverse('notifications:list')}",
        "",
        "本邮件每天最多一封。如不希望接收，请在“通知”页面选择“不再接收邮件摘要”。",
        "此邮件由系统自动发出，请勿回复。",
    ]
    return "\n".join(lines)


def site_address() -> str:
    """Where this installation is reached, from the hosts that it answers to."""
    host = settings.ALLOWED_HOSTS[0].lstrip(".")
    return f"https://{host}" if settings.HTTPS else f"http://{host}:{settings.PORT}"
