"""What reviewers judged, what was decided about it, and the results that were computed from it."""

from scoring.models.jobs import ComputeJob, DocumentJob
from scoring.models.moderation import Appeal, Divergence, Reconsideration, Ruling
from scoring.models.results import NodeScore, Provisional, ResultSnapshot
from scoring.models.review import Mark, Phrase, Recusal, ReviewAssignment, ReviewerProfile
from scoring.models.visits import CaseSelection, Recommendation, SiteVisit, SiteVisitNote, SiteVisitPhoto

__all__ = [
    "Appeal",
    "CaseSelection",
    "ComputeJob",
    "Divergence",
    "DocumentJob",
    "Mark",
    "NodeScore",
    "Phrase",
    "Provisional",
    "Recommendation",
    "Reconsideration",
    "Recusal",
    "ResultSnapshot",
    "ReviewAssignment",
    "ReviewerProfile",
    "Ruling",
    "SiteVisit",
    "SiteVisitNote",
    "SiteVisitPhoto",
]
