"""Handing a submission in, once, with a receipt."""

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
from cities.models import Receipt, Submission
from cities.queries import live_evidence, load_task_list


def submission_content(submission: Submission) -> dict[str, Any]:
    """What is handed in, in a form whose digest anybody can compute again: sorted JSON of this."""
    answers = submission.answers.select_related("indicator").order_by("indicator__position")
    files = live_evidence(submission).order_by("indicator__position", "sequence")
    return {
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
                "locator": file.locator,
                "sha256": file.file.sha256,
            }
            for file in files
        ],
    }


def content_digest(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def submit_submission(
    *, submission: Submission, by: User, declared: bool, at: datetime | None = None
) -> Receipt:
    """Hand the submission in, once: a second click gets the receipt of the first.

    Raises:
        ActionRefused: the declaration is missing, or the round does not accept it now.
        NotReady: answers are missing or wrong.
    """
    with transaction.atomic():
        locked = lock_submission(submission)
        if locked.is_handed_in:
            return locked.receipts.latest("at")
        require_open(locked, at)
        if not declared:
            raise ActionRefused("请先勾选声明，再提交。")
        problems = tuple(problem for task in load_task_list(locked).blocking for problem in task.problems)
        if problems:
            raise NotReady(problems)
        return hand_in(submission=locked, by=by)


@transaction.atomic
def hand_in(*, submission: Submission, by: User | None, detail: str = "") -> Receipt:
    """Lock the submission and write its receipt, without the checks of the web form."""
    now = timezone.now()
    content = submission_content(submission)
    sequence = submission.receipts.count() + 1
    submission.status = Submission.Status.SUBMITTED
    submission.submitted_at = now
    submission.save(update_fields=["status", "submitted_at"])
    demo = "演示" if submission.round.is_demo else ""
    receipt = Receipt.objects.create(
        submission=submission, sequence=sequence, at=now, by=by, content=content, sha256=content_digest(content),
        number=f"{demo}HZ{submission.round.year}-{submission.pk:06d}-{sequence:02d}",
    )  # fmt: skip
    audit.record(
        actor=by,
        action="submit",
        target=submission,
        receipt=receipt.number,
        sha256=receipt.sha256,
        detail=detail,
    )
    return receipt
