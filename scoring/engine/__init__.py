"""The scoring engine: numpy in, numpy out, no Django.

``Tree.build`` prepares a framework, ``score_round`` scores a round, ``waterfall`` explains one city's total
and ``rank_intervals`` says how sure a rank is; ``sensitivity``, ``leave_one_out`` and ``smallest_swap`` say what
it hangs on. ``gains`` and ``what_if`` look at one city's possibilities, ``framework_statistics`` at the
framework, ``krippendorff_alpha``, ``severity`` and ``divergence`` at the panel. ``ENGINE_VERSION`` goes into every snapshot and changes
whenever a score could.
"""

from .agreement import (
    Alpha,
    Divergence,
    Severity,
    agreement,
    divergence,
    krippendorff_alpha,
    leaf_dimensions,
    severity,
)
from .contributions import Waterfall, waterfall
from .curves import Curve, CurveError, parse_curve
from .grades import GradeBands, GradeError, grade_labels, grade_of, grade_places, parse_grade_bands
from .groups import GroupStatistics, group_statistics
from .improvement import Change, Gain, Scale, WhatIf, gains, one_city, what_if
from .leaves import bonus_from_level, bonus_points, checklist_score, level_score
from .normalise import Normalisation, NormalisationError, excluded_columns, normalise, parse_normalisation
from .panel import panel_aggregate
from .ranks import competition_rank, round_half_up
from .robustness import RankIntervals, rank_intervals
from .scoring import InputError, RoundInputs, RoundScores, score_round
from .sensitivity import (
    Movement,
    Sensitivity,
    equal_weights,
    leave_one_out,
    sensitivity,
    with_aggregation,
)
from .states import State
from .statistics import (
    Consistency,
    FrameworkStatistics,
    Influence,
    correlations,
    cronbach_alpha,
    framework_statistics,
)
from .swaps import Swaps, smallest_swap
from .tree import Aggregation, Missing, NodeSpec, Panel, Rules, Tree, TreeError, Unreviewed

ENGINE_VERSION = "1.1"

__all__ = [
    "ENGINE_VERSION",
    "Aggregation",
    "Alpha",
    "Change",
    "Consistency",
    "Curve",
    "CurveError",
    "Divergence",
    "FrameworkStatistics",
    "Gain",
    "GradeBands",
    "GradeError",
    "GroupStatistics",
    "Influence",
    "InputError",
    "Missing",
    "Movement",
    "NodeSpec",
    "Normalisation",
    "NormalisationError",
    "Panel",
    "RankIntervals",
    "RoundInputs",
    "RoundScores",
    "Rules",
    "Scale",
    "Sensitivity",
    "Severity",
    "State",
    "Swaps",
    "Tree",
    "TreeError",
    "Unreviewed",
    "Waterfall",
    "WhatIf",
    "agreement",
    "bonus_from_level",
    "bonus_points",
    "checklist_score",
    "competition_rank",
    "correlations",
    "cronbach_alpha",
    "divergence",
    "equal_weights",
    "excluded_columns",
    "framework_statistics",
    "gains",
    "grade_labels",
    "grade_of",
    "grade_places",
    "group_statistics",
    "krippendorff_alpha",
    "leaf_dimensions",
    "leave_one_out",
    "level_score",
    "normalise",
    "one_city",
    "panel_aggregate",
    "parse_curve",
    "parse_grade_bands",
    "parse_normalisation",
    "rank_intervals",
    "round_half_up",
    "score_round",
    "sensitivity",
    "severity",
    "smallest_swap",
    "waterfall",
    "what_if",
    "with_aggregation",
]
