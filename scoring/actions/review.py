"""Everything that reviewers and those who steer them change. No HTTP here."""

from dataclasses import replace

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import User
from cities.actions import ActionRefused, NotReady
from cities.answers import Content, Problem, content_of, resolve
from cities.models import Answer, ChangeSource, Membership, Round, Submission
from indicators.models import Indicator
from scoring.models import Mark, ResultSnapshot, ReviewAssignment
from scoring.permissions import OPEN_TO_REVIEW
from scoring.provisional import refresh as refresh_provisional

#: what a reviewer can judge; a blank or unavailable answer follows the round's declared rule
MARKABLE = (Answer.ValueState.VALUE, Answer.ValueState.NOT_APPLICABLE)


class AnswerChanged(Exception):
    """The city's answer is no longer the one that the reviewer saw; nothing was written."""


@transaction.atomic
def assign_reviewer(*, submission: Submission, reviewer: User, by: User | None) -> ReviewAssignment:
    """Give a reviewer a seat at a submission. Doing it twice changes nothing.

    Raises:
        ActionRefused: not a reviewer, or a person of that city.
    """
    if not reviewer.is_reviewer:
        raise ActionRefused(f"“{reviewer}”不是评审专家，不能分配评审任务。")
    if Membership.objects.filter(user=reviewer, city=submission.city_id).exists():
        raise ActionRefused(f"“{reviewer}”是{submission.city}的工作人员，应当回避。请改选其他专家。")
    # the submission is locked, so that two administrators do not give out the same seat
    locked = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
    existing = ReviewAssignment.objects.filter(submission=locked, reviewer=reviewer).first()
    if existing:
        return existing
    last = locked.assignments.aggregate(last=Max("seat"))["last"] or 0
    made = ReviewAssignment.objects.create(submission=locked, reviewer=reviewer, seat=last + 1)
    audit.record(
        actor=by, action="assign_reviewer", target=submission, reviewer=reviewer.username, seat=made.seat
    )
    return made


def _open_assignment(assignment: ReviewAssignment) -> ReviewAssignment:
    locked = (
        ReviewAssignment.objects.select_for_update(of=("self",))
        .select_related("submission__round__framework")
        .get(pk=assignment.pk)
    )
    if locked.status != ReviewAssignment.Status.ASSIGNED:
        raise ActionRefused("此评审任务已完成或已回避，不能再修改。")
    if locked.submission.status not in OPEN_TO_REVIEW:
        raise ActionRefused("此城市的填报当前不在评审阶段。")
    return locked


def reason_needed(indicator: Indicator, answer: Answer, content: Content, value: float | None) -> str:
    """Why a reason must be given for this judgement; empty when none is needed.

    A reason is due where the reviewer differs from the city, and at the highest and the lowest level.
    """
    if value is None:
        return ""
    own = content_of(answer)
    if indicator.level_list and content.level:
        levels = [level.level for level in indicator.level_list]
        if content.level != own.level:
            return "所评等级与自评不同，请说明理由。"
        return "评为最高或最低等级，请说明理由。" if content.level in (levels[0], levels[-1]) else ""
    return "" if answer.value is not None and value == answer.value else "认定结果与自评不同，请说明理由。"


def save_mark(
    *,
    assignment: ReviewAssignment,
    indicator: Indicator,
    content: Content,
    accepts_not_applicable: bool,
    seen_answer_version: int,
    status: str,
    by: User | None,
    source: str = ChangeSource.PAGE,
) -> Mark:
    """Save a reviewer's judgement of one leaf; drafts and 暂缓 are saved whatever they contain.

    Args:
        content: as for an answer; `narrative` is not used, `reason` is the reviewer's reason.
        accepts_not_applicable: agrees that the indicator does not apply (only where the city says so).
        seen_answer_version: the version of the answer that was on the reviewer's screen.
        status: a `Mark.Status`.

    Raises:
        ActionRefused: the task is finished or recused, or there is nothing to judge.
        AnswerChanged: the city's answer changed since.
        NotReady: 已评 was asked for and something is missing; the draft is saved all the same.
    """
    with transaction.atomic():
        locked = _open_assignment(assignment)
        answer = Answer.objects.get(submission_id=locked.submission_id, indicator=indicator)
        if answer.value_state not in MARKABLE:
            raise ActionRefused("城市未填报此项，无需评分，按本轮的缺失处理规则计分。")
        if answer.version != seen_answer_version:
            raise AnswerChanged
        accepts = accepts_not_applicable and answer.value_state == Answer.ValueState.NOT_APPLICABLE
        judged = replace(content, value_state=Answer.ValueState.VALUE, narrative="")
        resolved = resolve(
            indicator, judged, year=locked.submission.round.year, evidence_count=indicator.evidence_min
        )
        value = None if accepts else resolved.value
        problems = (
            () if accepts else _mark_problems(indicator, answer, resolved.content, value, resolved.problems)
        )
        blocked = status == Mark.Status.DONE and bool(problems)
        mark = Mark.objects.filter(assignment=locked, indicator=indicator).first() or Mark(
            assignment=locked, indicator=indicator
        )
        mark.status = Mark.Status.DRAFT if blocked else status
        mark.value, mark.accepts_not_applicable = value, accepts
        mark.value_text, mark.level = resolved.content.value_text, resolved.content.level
        mark.items, mark.reason = resolved.content.items, resolved.content.reason
        mark.answer_version = answer.version
        mark.version += 1
        mark._history_user, mark._change_reason = by, source
        mark.save()
        if locked.submission.status == Submission.Status.SUBMITTED:
            Submission.objects.filter(pk=locked.submission_id).update(status=Submission.Status.IN_REVIEW)
        refresh_provisional(locked.submission)
    if blocked:
        raise NotReady(problems)
    return mark


def _mark_problems(
    indicator: Indicator, answer: Answer, content: Content, value: float | None, problems: tuple[Problem, ...]
) -> tuple[Problem, ...]:
    if value is None and not problems:
        return (Problem("value_text", "请给出评分。"),)
    needed = reason_needed(indicator, answer, content, value)
    if needed and not content.reason.strip():
        return (*problems, Problem("reason", needed))
    return problems


def unfinished_codes(assignment: ReviewAssignment) -> list[str]:
    """The codes of the leaves that still need this reviewer's mark, in the framework's order."""
    done = Mark.objects.filter(assignment=assignment, status=Mark.Status.DONE).values("indicator_id")
    todo = Answer.objects.filter(submission_id=assignment.submission_id, value_state__in=MARKABLE)
    return list(
        todo.exclude(indicator_id__in=done)
        .order_by("indicator__position")
        .values_list("indicator__code", flat=True)
    )


@transaction.atomic
def finish_review(*, assignment: ReviewAssignment, by: User) -> ReviewAssignment:
    """Close the task; from then on its marks do not change. Doing it twice changes nothing.

    Raises:
        ActionRefused: leaves without a finished mark remain.
    """
    if assignment.status == ReviewAssignment.Status.FINISHED:
        return assignment
    locked = _open_assignment(assignment)
    left = unfinished_codes(locked)
    if left:
        raise ActionRefused(
            f"还有 {len(left)} 项未评：{'、'.join(left[:10])}{'……' if len(left) > 10 else ''}。"
        )
    locked.status = ReviewAssignment.Status.FINISHED
    locked.finished_at = timezone.now()
    locked.save(update_fields=["status", "finished_at"])
    audit.record(actor=by, action="finish_review", target=locked)
    return locked


@transaction.atomic
def publish_results(*, snapshot: ResultSnapshot, by: User) -> Round:
    """Open this result of its round to everybody; a later computation stays inside until it is published too.

    Doing it twice changes nothing.

    Raises:
        ActionRefused: a city's panel is half finished: its result would tell those who still score what others gave.
    """
    round_ = Round.objects.select_for_update(of=("self",)).get(pk=snapshot.round_id)
    stored = ResultSnapshot.objects.select_for_update(of=("self",)).get(pk=snapshot.pk)
    if stored.published_at is not None:
        return round_
    half = [
        str(submission.city)
        for submission in Submission.objects.select_related("city").filter(round=round_)
        if _half_reviewed(submission)
    ]
    if half:
        names = "、".join(half[:5]) + ("等" if len(half) > 5 else "")
        raise ActionRefused(f"{names}的评审尚未全部完成，不能公布结果。请等全部评审专家完成后再公布。")
    stored.published_at = timezone.now()
    stored.save(update_fields=["published_at"])
    if round_.results_published_at is None:
        round_.results_published_at = stored.published_at
        round_.save(update_fields=["results_published_at"])
    audit.record(
        actor=by, action="publish_results", target=round_.code, snapshot=stored.pk, digest=stored.digest
    )
    return round_


def _half_reviewed(submission: Submission) -> bool:
    states = set(submission.assignments.values_list("status", flat=True))
    return {ReviewAssignment.Status.FINISHED, ReviewAssignment.Status.ASSIGNED} <= states
