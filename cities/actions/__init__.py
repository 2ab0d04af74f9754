"""Everything that changes a city's submission: open, answer, attach, hand in, import. No HTTP here."""

from cities.actions.answers import apply_content, restore_version, save_answer
from cities.actions.common import ActionRefused, AnswerConflict, FieldConflict, NotReady, TooLate
from cities.actions.copying import Copied, Copy, copy_from_last_round
from cities.actions.dividing import (
    KEEP,
    Approved,
    Change,
    Keep,
    Target,
    add_departments,
    approve,
    divide,
    rename_department,
    resolve_returned,
    return_inside,
)
from cities.actions.evidence import add_evidence, cite_evidence, delete_evidence, edit_evidence
from cities.actions.extending import Extended, extend_deadline, waiting_late_drafts
from cities.actions.importing import ImportSummary, import_answers, import_cities
from cities.actions.invitations import (
    accept_invitation,
    find_invitation,
    invite,
    move_member,
    register,
    remove_member,
    token_of,
    why_useless,
    withdraw_invitation,
)
from cities.actions.returning import return_submission
from cities.actions.rounds import complete_pilot, open_round, open_submission
from cities.actions.submitting import (
    StillUnchanged,
    blocking_tasks,
    canonical_json,
    content_digest,
    hand_in,
    submission_content,
    submit_submission,
    unchanged_returned,
)
from cities.actions.supplements import ask_supplement, reply_supplement, withdraw_supplement

__all__ = [
    "KEEP",
    "ActionRefused",
    "AnswerConflict",
    "Approved",
    "Change",
    "Copied",
    "Copy",
    "Extended",
    "FieldConflict",
    "ImportSummary",
    "Keep",
    "NotReady",
    "StillUnchanged",
    "Target",
    "TooLate",
    "accept_invitation",
    "add_departments",
    "add_evidence",
    "apply_content",
    "approve",
    "ask_supplement",
    "blocking_tasks",
    "canonical_json",
    "cite_evidence",
    "complete_pilot",
    "content_digest",
    "copy_from_last_round",
    "delete_evidence",
    "divide",
    "edit_evidence",
    "extend_deadline",
    "find_invitation",
    "hand_in",
    "import_answers",
    "import_cities",
    "invite",
    "move_member",
    "open_round",
    "open_submission",
    "register",
    "remove_member",
    "rename_department",
    "reply_supplement",
    "resolve_returned",
    "restore_version",
    "return_inside",
    "return_submission",
    "save_answer",
    "submission_content",
    "submit_submission",
    "token_of",
    "unchanged_returned",
    "waiting_late_drafts",
    "why_useless",
    "withdraw_invitation",
    "withdraw_supplement",
]
