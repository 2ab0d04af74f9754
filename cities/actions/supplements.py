"""A reviewer's question to the city about one indicator, while the submission stays handed in."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions.common import ActionRefused, lock_submission, people_concerned
from cities.actions.evidence import add_evidence
from cities.events import supplement_replied
from cities.models import Answer, Evidence, Submission, Supplement
from indicators.models import Indicator

#: while judging goes on; afterwards there are results
ANSWERABLE = (Submission.Status.SUBMITTED, Submission.Status.IN_REVIEW)
QUESTION_LIMIT = REPLY_LIMIT = 2000


@transaction.atomic
def ask_supplement(
    *,
    submission: Submission,
    indicator: Indicator,
    seat: int,
    by: User,
    question: str,
    due_on: date | None = None,
) -> Supplement:
    """Ask the city about one leaf; it learns the seat (R1), never the name. The same question twice is one.

    Raises:
        ActionRefused: not under review, no leaf of this submission, no question, a date gone by.
    """
    question = question.strip()
    locked = lock_submission(submission)
    if locked.status not in ANSWERABLE:
        raise ActionRefused("此城市的填报当前不在评审阶段，不能要求补充说明。")
    if not question:
        raise ActionRefused("请写明需要城市补充的内容。")
    if len(question) > QUESTION_LIMIT:
        raise ActionRefused(f"需补充的内容最多 {QUESTION_LIMIT} 字，请删减。")
    if due_on is not None and due_on < timezone.localdate():
        raise ActionRefused("答复期限不能早于今天。")
    if not Answer.objects.filter(submission=locked, indicator=indicator).exists():
        raise ActionRefused("此指标不在这份填报中。")
    same = Supplement.objects.filter(
        submission=locked, indicator=indicator, asked_by=by, question=question, replied_at=None,
        withdrawn_at=None,
    ).first()  # fmt: skip
    if same is not None:
        return same
    made = Supplement.objects.create(
        submission=locked, indicator=indicator, seat=seat, asked_by=by, question=question, due_on=due_on
    )
    audit.record(actor=by, action="ask_supplement", target=locked, indicator=indicator.code, seat=seat)
    until = f"，请于 {due_on:%Y-%m-%d} 前答复" if due_on else "，请及时答复"
    notify(
        people_concerned(locked, {indicator.pk}),
        kind="question",
        text=f"{locked.round}：评审专家（R{seat}）请{locked.city}就 {indicator.code} {indicator.name_zh}补充说明{until}。",
        url=reverse("submission:supplement", args=[locked.pk, made.pk]),
        key=f"supplement:{made.pk}",
    )
    return made


@transaction.atomic
def reply_supplement(
    *,
    supplement: Supplement,
    text: str,
    by: User,
    files: "Sequence[UploadedFile[Any]]" = (),
) -> Supplement:
    """Answer the question, with files under the next numbers of the leaf. The answer itself does not change.

    A reply after the date is taken: it is better than none, and the page says so.

    Raises:
        ActionRefused: answered or withdrawn already, or no longer under review; no text.
        evidence.EvidenceRefused: one of the files; nothing is written.
    """
    text = text.strip()
    submission = lock_submission(supplement.submission)
    stored = (
        Supplement.objects.select_for_update(of=("self",))
        .select_related("indicator", "asked_by")
        .get(pk=supplement.pk)
    )
    if stored.replied_at is not None and (stored.replied_by_id, stored.reply.split(_FILES)[0]) == (
        by.pk,
        text,
    ):
        return stored  # the second of two clicks
    _refuse_unless_open(stored, submission)
    if not text:
        raise ActionRefused("请填写答复。")
    if len(text) > REPLY_LIMIT:
        raise ActionRefused(f"答复最多 {REPLY_LIMIT} 字，请删减。")
    attached = [
        add_evidence(
            submission=submission, indicator=stored.indicator, upload=upload, by=by,
            occasion=Evidence.Occasion.SUPPLEMENT,
        )
        for upload in files
    ]  # fmt: skip
    numbers = "、".join(one.number for one in attached)
    stored.reply = f"{text}{_FILES}{numbers}" if attached else text
    stored.replied_at, stored.replied_by = timezone.now(), by
    stored.save(update_fields=["reply", "replied_at", "replied_by"])
    audit.record(
        actor=by, action="reply_supplement", target=submission, indicator=stored.indicator.code, files=numbers
    )
    supplement_replied.send(sender=Submission, supplement=stored, by=by)
    return stored


_FILES = "\n附材料："


@transaction.atomic
def withdraw_supplement(*, supplement: Supplement, by: User) -> Supplement:
    """Take a question back that the city has not answered. Doing it twice changes nothing.

    Raises:
        ActionRefused: somebody else's question, or answered already.
    """
    submission = lock_submission(supplement.submission)
    stored = (
        Supplement.objects.select_for_update(of=("self",)).select_related("indicator").get(pk=supplement.pk)
    )
    if stored.withdrawn_at is not None:
        return stored
    if stored.asked_by_id != by.pk:
        raise ActionRefused("只有提问的评审专家可以撤回。")
    if stored.replied_at is not None:
        raise ActionRefused("城市已答复，不能再撤回。")
    stored.withdrawn_at = timezone.now()
    stored.save(update_fields=["withdrawn_at"])
    audit.record(
        actor=by,
        action="withdraw_supplement",
        target=submission,
        indicator=stored.indicator.code,
        seat=stored.seat,
    )
    notify(
        people_concerned(submission, {stored.indicator_id}),
        kind="question",
        text=f"{submission.round}：评审专家（R{stored.seat}）撤回了对 {stored.indicator.code} 的补充要求，无需答复。",
        url=reverse("submission:supplements", args=[submission.pk]),
        key=f"supplement-withdrawn:{stored.pk}",
    )
    return stored


def why_no_reply(supplement: Supplement, submission: Submission) -> str:
    """Why the city cannot answer this question now; empty when it can."""
    if supplement.withdrawn_at is not None:
        return "评审专家已撤回这项补充要求，无需答复。"
    if supplement.replied_at is not None:
        return "这项补充要求已答复。"
    if submission.status not in ANSWERABLE:
        return f"填报当前{submission.get_status_display()}，不能答复补充要求。"
    return ""


def _refuse_unless_open(supplement: Supplement, submission: Submission) -> None:
    reason = why_no_reply(supplement, submission)
    if reason:
        raise ActionRefused(reason)
