"""Giving a submission back to its city: for named answers, with remarks, until a date."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions.common import ActionRefused, lock_submission, people_concerned
from cities.events import given_back
from cities.models import Answer, Return, ReturnItem, Submission
from cities.phases import open_return, shown

#: later there are results: what is wrong then is settled by appeal
RETURNABLE = (Submission.Status.SUBMITTED, Submission.Status.IN_REVIEW)

REMARK_LIMIT = 2000


@transaction.atomic
def return_submission(
    *,
    submission: Submission,
    remarks: Mapping[int, str],
    reason: str,
    due_at: datetime,
    by: User,
    at: datetime | None = None,
) -> Return:
    """Reopen a submission for the named answers, and tell the city. The same return twice is one.

    Args:
        remarks: indicator id -> what has to be changed there.
        reason: for the city as a whole; may be empty.
        due_at: until when the city may hand in again; its deadline from now on.

    Raises:
        ActionRefused: not handed in, or results are there already; nothing named, a remark missing, a date gone by.
    """
    at = at or timezone.now()
    remarks = {indicator: remark.strip() for indicator, remark in remarks.items()}
    locked = lock_submission(submission)
    earlier = open_return(locked)
    if earlier is not None:
        return _same(earlier, remarks)
    if locked.status not in RETURNABLE:
        raise ActionRefused(_why_not(locked))
    if not remarks:
        raise ActionRefused("请至少勾选一项需要修改的指标。")
    if due_at <= at:
        raise ActionRefused("重新提交的截止时间应晚于现在。")
    answers = list(
        Answer.objects.select_for_update(of=("self",))
        .select_related("indicator")
        .filter(submission=locked, indicator__in=remarks)
        .order_by("indicator__position")
    )
    if len(answers) != len(remarks):
        raise ActionRefused("所选指标不在这份填报中。请刷新页面后重试。")
    missing = [answer.indicator.code for answer in answers if not remarks[answer.indicator_id]]
    if missing:
        raise ActionRefused(f"请写明对 {'、'.join(missing)} 的退回意见。")
    made = Return.objects.create(
        submission=locked, kind=Return.Kind.OFFICIAL, reason=reason.strip(), by=by, due_at=due_at
    )
    ReturnItem.objects.bulk_create(
        ReturnItem(
            part_of=made, answer=answer, remark=remarks[answer.indicator_id], answer_version=answer.version
        )
        for answer in answers
    )
    # a state of the work, not a new version of the content: marks stay with what they judged
    Answer.objects.filter(pk__in=[answer.pk for answer in answers]).update(status=Answer.Status.RETURNED)
    locked.status, locked.extended_to = Submission.Status.RETURNED, due_at
    locked.save(update_fields=["status", "extended_to"])
    codes = [answer.indicator.code for answer in answers]
    audit.record(
        actor=by, action="return", target=locked, indicators=codes, reason=made.reason,
        due_at=due_at.isoformat(), remarks={a.indicator.code: remarks[a.indicator_id] for a in answers},
    )  # fmt: skip
    _tell_city(made, locked, set(remarks))
    given_back.send(sender=Submission, submission=locked, returned=made, by=by)
    return made


def _same(earlier: Return, remarks: Mapping[int, str]) -> Return:
    """The second of two clicks gets the return of the first."""
    there = dict(earlier.items.values_list("answer__indicator_id", "remark"))
    if there != remarks:
        raise ActionRefused("这份填报已退回，城市尚未重新提交，不能再次退回。")
    return earlier


def _why_not(submission: Submission) -> str:
    if not submission.is_handed_in:
        return "这份填报尚未提交，不能退回。"
    return f"这份填报{submission.get_status_display()}，不能再退回修改；对结果的意见请通过申诉处理。"


def _tell_city(made: Return, submission: Submission, leaves: set[int]) -> None:
    """The number alone: whoever leads one indicator need not learn of the others."""
    due = shown(made.due_at) if made.due_at else ""
    notify(
        people_concerned(submission, leaves),
        kind="returned",
        text=f"{submission.round}：{submission.city}的填报已退回，共 {len(leaves)} 项指标需修改，"
        f"请于 {due} 前修改并重新提交。",
        url=reverse("submission:returns", args=[submission.pk]),
        key=f"returned:{made.pk}",
    )
