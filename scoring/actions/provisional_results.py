"""Telling the cities their provisional results, with a time to appeal. No HTTP here."""

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions import ActionRefused, NotReady
from cities.answers import Problem
from cities.models import Membership, Round, Submission
from scoring.models import Appeal, NodeScore, ResultSnapshot, ReviewAssignment, Ruling
from scoring.moderation import live_reconsiderations

Status = Submission.Status
SENT = (Status.PROVISIONAL, Status.APPEALED)


def why_not_releasable(snapshot: ResultSnapshot) -> str:
    """Why this result cannot be sent to the cities now; empty when it can."""
    if snapshot.finalised_at is not None:
        return "此结果已定稿，不需要再送城市确认。"
    if ResultSnapshot.objects.filter(round=snapshot.round_id, pk__gt=snapshot.pk).exists():
        return "此结果之后又计算过。请送最新的结果。"
    later = Ruling.objects.filter(submission__round=snapshot.round_id, at__gt=snapshot.created_at).count()
    if later:
        return f"此结果计算之后又有 {later} 项裁定。请先重新计算得分并说明原因，再送城市确认。"
    asked = live_reconsiderations().filter(divergence__submission__round=snapshot.round_id).count()
    if asked:
        return f"还有 {asked} 项复议没有答复。请等答复、到期或裁定之后重新计算，再送城市确认。"
    half = [
        str(one.city)
        for one in Submission.objects.filter(round=snapshot.round_id)
        .filter(assignments__status=ReviewAssignment.Status.FINISHED)
        .filter(pk__in=_still_reviewed(snapshot.round_id))
        .select_related("city")
        .distinct()
    ]
    if half:
        return f"{'、'.join(half[:5])}{'等' if len(half) > 5 else ''}的评审尚未全部完成，不能送城市确认。"
    return ""


def _still_reviewed(round_id: int) -> list[int]:
    unfinished = ReviewAssignment.objects.filter(
        submission__round=round_id, status=ReviewAssignment.Status.ASSIGNED
    )
    return list(unfinished.values_list("submission_id", flat=True))


def recipients(snapshot: ResultSnapshot) -> list[Submission]:
    """The submissions that get a provisional result: assessed in this snapshot, nobody reviews them any more."""
    scored = NodeScore.objects.filter(snapshot=snapshot, node_code=NodeScore.TOTAL)
    assessed = scored.exclude(state=NodeScore.State.NOT_ASSESSED).values("submission")
    open_ = (Status.SUBMITTED, Status.IN_REVIEW, *SENT)
    found = Submission.objects.filter(pk__in=assessed, status__in=open_)
    return list(
        found.exclude(pk__in=_still_reviewed(snapshot.round_id))
        .select_related("city", "round")
        .order_by("city__code")
    )


@transaction.atomic
def release_provisional(*, snapshot: ResultSnapshot, appeals_until: datetime, by: User) -> ResultSnapshot:
    """Send a computed result to the cities: each sees its own scores with reasons, and may appeal until then.

    A later result may be sent again with the same time for appeals, or a later one. Doing it twice changes nothing.

    Raises:
        ActionRefused: not the newest result, decided on since, or reviews are not finished.
        NotReady: the time for appeals is over, or shorter than what the cities were told.
    """
    round_ = Round.objects.select_for_update(of=("self",)).get(pk=snapshot.round_id)
    stored = ResultSnapshot.objects.select_for_update(of=("self",)).defer("inputs").get(pk=snapshot.pk)
    if stored.provisional_at is not None:
        return stored
    refusal = why_not_releasable(stored)
    if refusal:
        raise ActionRefused(refusal)
    _check_window(round_, appeals_until)
    chosen = recipients(stored)
    if not chosen:
        raise ActionRefused("还没有评定完成的城市，没有可以送出的结果。")
    stored.provisional_at = timezone.now()
    stored.save(update_fields=["provisional_at"])
    round_.appeals_until = appeals_until
    round_.save(update_fields=["appeals_until"])
    waiting = Submission.objects.filter(pk__in=[one.pk for one in chosen]).exclude(status__in=SENT)
    waiting.update(status=Status.PROVISIONAL)
    for submission in chosen:
        _tell(submission, stored, appeals_until)
    audit.record(
        actor=by, action="release_provisional", target=round_.code, snapshot=stored.pk, digest=stored.digest,
        appeals_until=appeals_until.isoformat(), cities=[one.city.code for one in chosen],
    )  # fmt: skip
    return stored


def _check_window(round_: Round, until: datetime) -> None:
    told = round_.appeals_until
    if told is not None and until == told:
        return
    if until <= timezone.now():
        raise NotReady((Problem("appeals_until", "申诉截止时间应晚于现在。"),))
    if told is not None and until < told:
        raise NotReady((Problem("appeals_until", "已告知城市的申诉截止时间不能提前。"),))


def leads_of(submission: Submission) -> list[User]:
    found = Membership.objects.filter(city=submission.city_id, role=Membership.Role.LEAD)
    return [one.user for one in found.select_related("user")]


def _tell(submission: Submission, snapshot: ResultSnapshot, until: datetime) -> None:
    when = timezone.localtime(until).strftime("%Y-%m-%d %H:%M")
    notify(
        leads_of(submission),
        kind="provisional",
        text=f"{submission.round.name}：{submission.city}的初步结果已送达。如有异议，请在 {when} 前按指标提出申诉。",
        url=reverse("appeals:result", args=[submission.pk]),
        key=f"provisional:{snapshot.pk}:{submission.pk}",
    )


def settle_status(submission: Submission) -> None:
    """A submission is 申诉中 exactly while one of its appeals waits. The caller holds the submission's lock."""
    waits = Appeal.objects.filter(submission=submission, status=Appeal.Status.OPEN).exists()
    if submission.status in SENT:
        submission.status = Status.APPEALED if waits else Status.PROVISIONAL
        submission.save(update_fields=["status"])
