"""Everything that reviewers and those who steer them change. No HTTP here."""

from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from cities.actions import ActionRefused, NotReady
from cities.answers import Content, Problem, Resolved, content_of, resolve
from cities.models import Answer, ChangeSource, Submission
from indicators.models import Indicator
from scoring.actions.assigning import assign_reviewer as assign_reviewer  # noqa: PLC0414 — also known by this name
from scoring.actions.divergence import answer_reconsideration, sync_divergences
from scoring.actions.publishing import publish_results as publish_results  # noqa: PLC0414 — also known by this name
from scoring.models import Mark, Reconsideration, ReviewAssignment
from scoring.moderation import live_reconsiderations
from scoring.permissions import OPEN_TO_REVIEW
from scoring.provisional import refresh as refresh_provisional
from scoring.scope import leaf_ids

#: what a reviewer can judge; a blank or unavailable answer follows the round's declared rule
MARKABLE = (Answer.ValueState.VALUE, Answer.ValueState.NOT_APPLICABLE)


class AnswerChanged(Exception):
    """The city's answer is no longer the one that the reviewer saw; nothing was written."""


class MarkChanged(Exception):
    """The reviewer's own mark was changed in another window since; nothing was written."""


def why_not_editable(assignment: ReviewAssignment, indicator: Indicator | None = None) -> str:
    """Why the reviewer may not change the task, or this one mark of it, now; empty when it may be changed.

    A finished task opens for the single mark that its reviewer was asked to reconsider, until the deadline.
    """
    asked_again = indicator is not None and reconsideration_of(assignment, indicator) is not None
    if assignment.status != ReviewAssignment.Status.ASSIGNED and not asked_again:
        return "此评审任务已完成或已回避，不能再修改。"
    if assignment.submission.status not in OPEN_TO_REVIEW and not asked_again:
        return "此城市的填报当前不在评审阶段。"
    return ""


def editable(assignment: ReviewAssignment, indicator: Indicator) -> bool:
    return not why_not_editable(assignment, indicator)


def reconsideration_of(assignment: ReviewAssignment, indicator: Indicator) -> Reconsideration | None:
    """The open request to a reviewer who has finished to look at this one mark again."""
    if assignment.status != ReviewAssignment.Status.FINISHED or not assignment.submission.is_handed_in:
        return None
    return live_reconsiderations().filter(assignment=assignment, divergence__indicator=indicator).first()


def _open_assignment(assignment: ReviewAssignment, indicator: Indicator | None = None) -> ReviewAssignment:
    locked = (
        ReviewAssignment.objects.select_for_update(of=("self",))
        .select_related("submission__round__framework")
        .get(pk=assignment.pk)
    )
    refusal = why_not_editable(locked, indicator)
    if refusal:
        raise ActionRefused(refusal)
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
    found_in: str = "",
    confidence: int | None = None,
    seen_version: int | None = None,
    source: str = ChangeSource.PAGE,
) -> Mark:
    """Save a reviewer's judgement of one leaf; drafts and 暂缓 are saved whatever they contain.

    What is stored already, word for word, is left alone: two clicks do one thing.

    Args:
        content: as for an answer; `narrative` is not used, `reason` is the reviewer's reason.
        accepts_not_applicable: agrees that the indicator does not apply (only where the city says so).
        seen_answer_version: the version of the answer that was on the reviewer's screen.
        status: a `Mark.Status`.
        found_in: where a verified value comes from, at most 300 characters.
        confidence: a `Mark.Confidence`.
        seen_version: the version of the mark that was on the screen (0: there was none); None is not compared.

    Raises:
        ActionRefused: the task is finished or recused, or there is nothing to judge.
        AnswerChanged: the city's answer changed since.
        MarkChanged: the mark was changed in another window since.
        NotReady: 已评 was asked for and something is missing; the draft is saved all the same. A mark that is being
            reconsidered stays as it was.
    """
    with transaction.atomic():
        locked = _open_assignment(assignment, indicator)
        finished = locked.status == ReviewAssignment.Status.FINISHED
        if finished and status != Mark.Status.DONE:
            raise ActionRefused("复议的评分请改好后直接保存，不存草稿。")
        scope = leaf_ids(locked)
        if scope is not None and indicator.pk not in scope:
            raise ActionRefused("此指标不在您负责的维度内。")
        answer = Answer.objects.get(submission_id=locked.submission_id, indicator=indicator)
        if answer.value_state not in MARKABLE:
            raise ActionRefused("城市未填报此项，无需评分，按本轮的缺失处理规则计分。")
        if answer.version != seen_answer_version:
            raise AnswerChanged
        mark = Mark.objects.select_for_update(of=("self",)).filter(
            assignment=locked, indicator=indicator
        ).first() or Mark(assignment=locked, indicator=indicator)
        mark.assignment, mark.indicator = locked, indicator  # as loaded: with levels, items and the round
        before = _said(mark)
        problems = _judge(mark, answer, content, accepts_not_applicable, found_in)
        blocked = status == Mark.Status.DONE and bool(problems)
        if finished:
            _require_answer(mark, before, problems)
        mark.status = Mark.Status.DRAFT if blocked else status
        mark.confidence = confidence
        if mark.pk is None or _said(mark) != before:
            if seen_version is not None and seen_version != mark.version:
                raise MarkChanged
            mark.version += 1
            mark._history_user, mark._change_reason = by, source
            mark.save()
            if locked.submission.status == Submission.Status.SUBMITTED:
                Submission.objects.filter(pk=locked.submission_id).update(status=Submission.Status.IN_REVIEW)
            refresh_provisional(locked.submission)
            if finished:
                answer_reconsideration(mark=mark, kept=_judged(before) == _judged(_said(mark)), by=by)
    if blocked:
        raise NotReady(problems)
    return mark


#: what a mark says; the same again is no change
_SAYS = ("status", "value", "accepts_not_applicable", "value_text", "level", "items", "reason", "source",
         "confidence", "answer_version")  # fmt: skip


def _said(mark: Mark) -> tuple[object, ...]:
    return tuple(getattr(mark, name) for name in _SAYS)


def _judged(said: tuple[object, ...]) -> tuple[object, ...]:
    """The judgement in what a mark says, without its words."""
    return tuple(said[_SAYS.index(name)] for name in ("value", "accepts_not_applicable", "level", "items"))


def _require_answer(mark: Mark, before: tuple[object, ...], problems: tuple[Problem, ...]) -> None:
    """A mark that is reconsidered changes, or its reason says why it stays."""
    if problems:
        raise NotReady(problems)
    said = _said(mark)
    if _judged(said) == _judged(before) and mark.reason.strip() == str(before[_SAYS.index("reason")]).strip():
        raise NotReady((Problem("reason", "维持原评分的，请补充说明理由后再保存。"),))


def _judge(
    mark: Mark, answer: Answer, content: Content, accepts_not_applicable: bool, found_in: str
) -> tuple[Problem, ...]:
    """Put a judgement of `answer` into the mark; returns what keeps it from being done."""
    indicator, year = mark.indicator, mark.assignment.submission.round.year
    accepts = accepts_not_applicable and answer.value_state == Answer.ValueState.NOT_APPLICABLE
    judged = replace(content, value_state=Answer.ValueState.VALUE, narrative="")
    resolved = resolve(indicator, judged, year=year, evidence_count=indicator.evidence_min)
    mark.value, mark.accepts_not_applicable = None if accepts else resolved.value, accepts
    mark.value_text, mark.level = resolved.content.value_text, resolved.content.level
    mark.items, mark.reason = resolved.content.items, resolved.content.reason
    mark.source, mark.answer_version = found_in, answer.version
    if accepts:
        return ()
    return _mark_problems(indicator, answer, mark, resolved)


def _mark_problems(
    indicator: Indicator, answer: Answer, mark: Mark, resolved: Resolved
) -> tuple[Problem, ...]:
    problems = resolved.problems
    if mark.value is None and not problems:
        return (Problem("value_text", "请给出评分。"),)
    needed = reason_needed(indicator, answer, resolved.content, mark.value)
    if needed and not mark.reason.strip():
        problems = (*problems, Problem("reason", needed))
    verified = indicator.kind == Indicator.Kind.QUANTITY and mark.value not in (None, answer.value)
    if verified and not mark.source.strip():
        problems = (*problems, Problem("source", "认定值与填报值不同，请写明认定值的出处。"))
    return problems


def unfinished_codes(assignment: ReviewAssignment) -> list[str]:
    """The codes of the leaves that still need this reviewer's mark, in the framework's order."""
    done = Mark.objects.filter(assignment=assignment, status=Mark.Status.DONE).values("indicator_id")
    todo = Answer.objects.filter(submission_id=assignment.submission_id, value_state__in=MARKABLE)
    scope = leaf_ids(assignment)
    if scope is not None:
        todo = todo.filter(indicator__in=scope)
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
    sync_divergences(submission=locked.submission)
    return locked
