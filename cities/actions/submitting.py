"""Handing a submission in, once, with a receipt; and handing it in again after a return."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from cities.actions.common import ActionRefused, NotReady, lock_submission, require_open
from cities.answers import CONTENT_FIELDS
from cities.cases import too_long
from cities.diffs import changed_codes
from cities.events import handed_in
from cities.models import Answer, CasePicture, CaseSection, ChangeSource, Receipt, Return, Submission
from cities.phases import open_return, reopened_leaves
from cities.queries import TaskList, live_evidence, load_task_list


class StillUnchanged(ActionRefused):
    """Returned answers were not touched; handing in as they are needs a word of its own."""

    def __init__(self, codes: list[str]) -> None:
        super().__init__(f"退回的 {'、'.join(codes)} 没有任何改动。如确认无需修改，请勾选确认后再提交。")
        self.codes = codes


def submission_content(submission: Submission) -> dict[str, Any]:
    """What is handed in, in a form whose digest anybody can compute again: sorted JSON of this."""
    answers = submission.answers.select_related("indicator").order_by("indicator__position")
    files = live_evidence(submission).order_by("indicator__position", "sequence")
    content = {
        "round": submission.round.code,
        "city": submission.city.code,
        "framework": [submission.round.framework.code, submission.round.framework.edition],
        "answers": [
            {"code": answer.indicator.code, "version": answer.version, "value": answer.value}
            | {name: getattr(answer, name) for name in CONTENT_FIELDS}
            for answer in answers
        ],
        "evidence": [
            {
                "number": file.number,
                "filename": file.filename,
                "title": file.title,
                "locator": file.locator,
                "dated_on": file.dated_on.isoformat() if file.dated_on else "",
                "occasion": file.occasion,
                "sha256": file.file.sha256,
            }
            for file in files
        ],
    }
    case = _case_content(submission)
    return {**content, "case": case} if case else content


def _case_content(submission: Submission) -> list[dict[str, Any]]:
    """The city's case, part by part, with its pictures; empty for a city that has begun none."""
    sections = {section.key: section for section in CaseSection.objects.filter(submission=submission)}
    if not sections:
        return []
    pictures: dict[int, list[dict[str, str]]] = {}
    live = CasePicture.objects.filter(section__in=sections.values(), deleted_at=None)
    for picture in live.select_related("file").order_by("section", "position", "id"):
        facts = {"filename": picture.filename, "caption": picture.caption, "sha256": picture.file.sha256}
        pictures.setdefault(picture.section_id, []).append(facts)
    return [
        {
            "key": key,
            "version": sections[key].version,
            "text": sections[key].text,
            "pictures": pictures.get(sections[key].pk, []),
        }
        for key in CaseSection.Key.values
        if key in sections
    ]


def canonical_json(content: dict[str, Any]) -> bytes:
    """The bytes that a receipt's digest is made of: sorted keys, no spaces, UTF-8."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def content_digest(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(content)).hexdigest()


def blocking_tasks(submission: Submission, task_list: TaskList) -> list[Any]:
    """The tasks that keep the submission from being handed in: after a return, only what the city can mend."""
    reopened = reopened_leaves(submission)
    return [task for task in task_list.blocking if reopened is None or task.indicator.pk in reopened]


def unchanged_returned(submission: Submission) -> list[str]:
    """The codes of returned leaves that read as they did when they were handed in."""
    returned = open_return(submission)
    receipt = submission.receipts.order_by("-sequence").first()
    if returned is None or receipt is None:
        return []
    changed = changed_codes(receipt.content, submission_content(submission))
    named = returned.items.order_by("answer__indicator__position").values_list(
        "answer__indicator__code", flat=True
    )
    return [code for code in named if code not in changed]


def submit_submission(
    *,
    submission: Submission,
    by: User,
    declared: bool,
    accepts_unchanged: bool = False,
    at: datetime | None = None,
) -> Receipt:
    """Hand the submission in, once: a second click gets the receipt of the first.

    Args:
        accepts_unchanged: hand returned answers in again as they were.
        at: when the request arrived; what was on its way at the cut-off counts. Now, if not given.

    Raises:
        ActionRefused: the declaration is missing, or the round does not accept it now.
        NotReady: answers are missing or wrong, or a part of the case is too long.
        StillUnchanged: returned answers were not touched.
    """
    with transaction.atomic():
        locked = lock_submission(submission)
        if locked.is_handed_in:
            return locked.receipts.latest("sequence")
        require_open(locked, at)
        if not declared:
            raise ActionRefused("请先勾选声明，再提交。")
        blocking = blocking_tasks(locked, load_task_list(locked))
        problems = tuple(problem for task in blocking for problem in task.problems)
        problems += tuple(problem for part in too_long(locked) for problem in part.problems)
        if problems:
            raise NotReady(problems)
        unchanged = [] if accepts_unchanged else unchanged_returned(locked)
        if unchanged:
            raise StillUnchanged(unchanged)
        return hand_in(submission=locked, by=by)


@transaction.atomic
def hand_in(*, submission: Submission, by: User | None, detail: str = "") -> Receipt:
    """Lock the submission and write its receipt, without the checks of the web form. Closes what was returned."""
    now = timezone.now()
    before = submission.receipts.order_by("-sequence").first()
    content = submission_content(submission)
    codes = dict(submission.answers.values_list("indicator__code", "indicator_id"))
    changed = set(codes) if before is None else changed_codes(before.content, content) & set(codes)
    if before is not None and _count_up_files(submission, before, content, changed, by):
        content = submission_content(submission)
    sequence = 1 if before is None else before.sequence + 1
    submission.status = Submission.Status.SUBMITTED
    submission.submitted_at = now
    submission.save(update_fields=["status", "submitted_at"])
    demo = "演示" if submission.round.is_demo else ""
    receipt = Receipt.objects.create(
        submission=submission, sequence=sequence, at=now, by=by, content=content, sha256=content_digest(content),
        number=f"{demo}HZ{submission.round.year}-{submission.pk:06d}-{sequence:02d}",
    )  # fmt: skip
    for returned in Return.objects.filter(submission=submission, closed_at=None):
        _close(returned, receipt)
    audit.record(
        actor=by,
        action="submit",
        target=submission,
        receipt=receipt.number,
        sha256=receipt.sha256,
        detail=detail,
    )
    handed_in.send(
        sender=Submission,
        submission=submission,
        receipt=receipt,
        changed=frozenset(codes[code] for code in changed),
        by=by,
    )
    return receipt


def _count_up_files(
    submission: Submission, before: Receipt, content: dict[str, Any], changed: set[str], by: User | None
) -> bool:
    """Give answers whose files alone changed a version of their own: marks belong to a version. Whether any did."""
    was = {one["code"]: one["version"] for one in before.content["answers"]}
    same = [one["code"] for one in content["answers"] if one["code"] in changed]
    same = [code for code in same if was.get(code) == _version(content, code)]
    for answer in Answer.objects.select_for_update(of=("self",)).filter(
        submission=submission, indicator__code__in=same
    ):
        answer.version += 1
        answer._history_user, answer._change_reason = by, ChangeSource.RESUBMITTED
        answer.save()
    return bool(same)


def _version(content: dict[str, Any], code: str) -> int:
    return next(int(one["version"]) for one in content["answers"] if one["code"] == code)


def _close(returned: Return, receipt: Receipt) -> None:
    """The return is answered: by this receipt, and so is every answer it named."""
    returned.closed_at = receipt.at
    returned.receipt = receipt if returned.kind == Return.Kind.OFFICIAL else None
    returned.save(update_fields=["closed_at", "receipt"])
    returned.items.filter(resolved_at=None).update(resolved_at=receipt.at)
    # what the lead hands in as it was is settled as well
    Answer.objects.filter(return_items__part_of=returned, status=Answer.Status.RETURNED).update(
        status=Answer.Status.APPROVED
    )
