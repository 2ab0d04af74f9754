"""What is measured, one module per concern."""

from indicators.models.consultation import Comment, Consultation
from indicators.models.editing import FrameworkChange
from indicators.models.framework import (
    Aggregation,
    ChecklistItem,
    Framework,
    Indicator,
    Missing,
    RubricLevel,
)
from indicators.models.pending import PendingImport
from indicators.models.weighting import (
    PairwiseJudgement,
    WeightAdoption,
    WeightingExercise,
    WeightingGroup,
    WeightingSheet,
)

__all__ = [
    "Aggregation",
    "ChecklistItem",
    "Comment",
    "Consultation",
    "Framework",
    "FrameworkChange",
    "Indicator",
    "Missing",
    "PairwiseJudgement",
    "PendingImport",
    "RubricLevel",
    "WeightAdoption",
    "WeightingExercise",
    "WeightingGroup",
    "WeightingSheet",
]
