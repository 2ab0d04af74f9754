"""Who is evaluated, in which round, and what they reported with which evidence."""

from cities.models.answers import Answer, ChangeSource, Responsibility
from cities.models.cases import CasePicture, CaseSection
from cities.models.evidence import Evidence, EvidenceFile
from cities.models.places import City, Department, Invitation, Membership
from cities.models.returns import LateDraft, Return, ReturnItem, Supplement
from cities.models.rounds import Round
from cities.models.submissions import Extension, Receipt, Submission
from cities.models.uploads import BulkUpload

__all__ = [
    "Answer",
    "BulkUpload",
    "CasePicture",
    "CaseSection",
    "ChangeSource",
    "City",
    "Department",
    "Evidence",
    "EvidenceFile",
    "Extension",
    "Invitation",
    "LateDraft",
    "Membership",
    "Receipt",
    "Responsibility",
    "Return",
    "ReturnItem",
    "Round",
    "Submission",
    "Supplement",
]
