"""沿用上一轮: narrative and evidence of the last round by choice, never numbers; nothing copied counts as done."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from accounts import audit
from accounts.models import User
from cities.actions.answers import apply_content
from cities.actions.common import lock_submission, require_open
from cities.answers import content_of
from cities.models import Answer, ChangeSource, Evidence, Submission
from cities.previous import Previous, previous_answers
from cities.trees import tree_of


@dataclass(frozen=True)
class Copy:
    """What to take over for one leaf. `append` also where there is a narrative already: below it."""

    indicator_id: int
    narrative: bool = False
    evidence: bool = False
    append: bool = False


@dataclass(frozen=True)
class Copied:
    """How many narratives and files were taken over, and the codes of leaves that kept their own narrative."""

    narratives: int
    files: int
    kept: tuple[str, ...]


@transaction.atomic
def copy_from_last_round(
    *, submission: Submission, copies: Iterable[Copy], by: User, at: datetime | None = None
) -> Copied:
    """Take over narratives and files of the last round; each answer touched is a draft afterwards.

    Doing it twice changes nothing: a text that is there already, and a file that the leaf already has, are left out.

    Raises:
        ActionRefused: handed in, or outside the round's dates.
    """
    submission = lock_submission(submission)
    wanted = {one.indicator_id: one for one in copies}
    leaves = [leaf for leaf in tree_of(submission.round.framework).leaves if leaf.pk in wanted]
    previous = previous_answers(submission, leaves)
    answers = {
        answer.indicator_id: answer
        for answer in Answer.objects.select_for_update().filter(submission=submission, indicator__in=leaves)
    }
    narratives = files = 0
    kept: list[str] = []
    for leaf in leaves:
        require_open(submission, at, indicator_id=leaf.pk)
        then, copy, answer = previous.get(leaf.pk), wanted[leaf.pk], answers[leaf.pk]
        if then is None:
            continue
        text = _narrative(answer, then, copy)
        came = _copy_evidence(answer, then, by) if copy.evidence else 0
        is_new = text != answer.narrative
        if copy.narrative and not is_new and then.answer.narrative.strip() not in answer.narrative:
            kept.append(leaf.code)
        if is_new or (came and answer.status in (Answer.Status.READY, Answer.Status.APPROVED)):
            _write(answer, text, by)
        narratives += is_new
        files += came
    if narratives or files:
        audit.record(
            actor=by, action="copy_from_last_round", target=submission, narratives=narratives, files=files
        )
    return Copied(narratives, files, tuple(kept))


def _narrative(answer: Answer, then: Previous, copy: Copy) -> str:
    """The narrative afterwards: the old one alone, below one's own where that was asked for, or one's own."""
    own, old = answer.narrative, then.answer.narrative
    if not copy.narrative or not old.strip() or old.strip() in own:
        return own
    if not own.strip():
        return old
    return f"{own.rstrip()}\n{old}" if copy.append else own


def _copy_evidence(answer: Answer, then: Previous, by: User) -> int:
    """The files of the last round that this leaf does not have yet, under new numbers; how many."""
    here = Evidence.objects.filter(submission=answer.submission_id, indicator=answer.indicator_id)
    have = set(here.filter(deleted_at=None).values_list("file_id", flat=True))
    sequence = here.aggregate(last=Max("sequence"))["last"] or 0
    old = Evidence.objects.filter(
        submission=then.answer.submission_id, indicator=then.answer.indicator_id, deleted_at=None
    ).order_by("sequence")
    count = 0
    for one in old:
        if one.file_id in have:
            continue
        have.add(one.file_id)
        count += 1
        Evidence.objects.create(
            submission_id=answer.submission_id, indicator_id=answer.indicator_id, sequence=sequence + count,
            file_id=one.file_id, filename=one.filename, locator=one.locator, title=one.title, dated_on=one.dated_on,
            occasion=Evidence.Occasion.FILLING, copied_from=one, added_by=by,
        )  # fmt: skip
    return count


def _write(answer: Answer, narrative: str, by: User) -> None:
    content = replace(content_of(answer), narrative=narrative)
    apply_content(answer, content, answer.value, status=Answer.Status.DRAFT, by=by)
    answer._change_reason = ChangeSource.COPY
    answer.save()
