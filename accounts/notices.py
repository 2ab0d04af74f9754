"""Telling people what waits for them."""

from collections.abc import Iterable

from django.db.models import F, Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from accounts.models import Notice, User

#: sender User; at — asks the rooms to leave the notices that only time brings about, such as a deadline that is near
remind = Signal()

#: kind -> word; other kinds are plain 通知
KIND_WORDS = {
    "assigned": "任务分配",
    "unassigned": "任务分配",
    "invited": "邀请",
    "returned": "退回修改",
    "resubmitted": "重新提交",
    "changed": "内容变更",
    "deadline": "截止时间",
    "question": "补充说明",
    "answered": "补充说明",
    "reconsider": "复议",
    "reconsidered": "复议",
    "provisional": "评价结果",
    "appeal": "申诉",
    "appeal_answered": "申诉",
    "recused": "回避",
    "conflict": "回避",
    "reopened": "重新评审",
    "ruling_lapsed": "裁定失效",
    "published": "结果公布",
    "visit": "实地考察",
    "remind_review": "评审提醒",
    "remind_city": "填报提醒",
}


def notify(users: Iterable[User], *, kind: str, text: str, url: str = "", key: str) -> None:
    """Leave a notice for each of them, once per `key`; inside the caller's transaction.

    Args:
        kind: a word for grouping, such as assigned, returned, deadline.
        text: one sentence for the person, at most 300 characters.
        url: where to act on it, a path of this site.
        key: what it is about, e.g. `returned:17:A1.2`; told again only under another key.
    """
    Notice.objects.bulk_create(
        [
            Notice(user=user, kind=kind, text=text[:300], url=url[:300], key=key[:200])
            for user in users
            if user.is_active
        ],
        ignore_conflicts=True,
    )


def notices_of(user: User) -> QuerySet[Notice]:
    """A person's own notices, unread first, then the newest."""
    return Notice.objects.filter(user=user).order_by(F("read_at").desc(nulls_first=True), "-id")


def mark_read(user: User, *, pk: int | None = None) -> Notice | None:
    """Mark one of the own notices as read, or all of them; the notice, if one of the own was named."""
    own = Notice.objects.filter(user=user)
    chosen = own if pk is None else own.filter(pk=pk)
    chosen.filter(read_at=None).update(read_at=timezone.now())
    return chosen.first() if pk is not None else None


def choose_digest(user: User, *, wants: bool) -> None:
    """Take the daily e-mail, or leave it."""
    User.objects.filter(pk=user.pk).update(wants_digest=wants)


def waiting_for_mail() -> QuerySet[Notice]:
    """What has not been told by e-mail and is unread, of people who can and want to get it."""
    return (
        Notice.objects.filter(mailed_at=None, read_at=None, user__is_active=True, user__wants_digest=True)
        .exclude(Q(user__email=""))
        .select_related("user")
        .order_by("user_id", "id")
    )
