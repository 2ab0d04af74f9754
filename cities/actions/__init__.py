"""Everything that changes a city's submission: open, answer, attach, hand in, import. No HTTP here."""

from cities.actions.answers import apply_content, save_answer
from cities.actions.common import ActionRefused, AnswerConflict, FieldConflict, NotReady
from cities.actions.evidence import add_evidence, delete_evidence
from cities.actions.importing import ImportSummary, import_answers, import_cities
from cities.actions.rounds import complete_pilot, open_round, open_submission
from cities.actions.submitting import content_digest, hand_in, submission_content, submit_submission

__all__ = [
    "ActionRefused",
    "AnswerConflict",
    "FieldConflict",
    "ImportSummary",
    "NotReady",
    "add_evidence",
    "apply_content",
    "complete_pilot",
    "content_digest",
    "delete_evidence",
    "hand_in",
    "import_answers",
    "import_cities",
    "open_round",
    "open_submission",
    "save_answer",
    "submission_content",
    "submit_submission",
]
