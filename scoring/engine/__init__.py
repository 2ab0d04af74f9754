"""The scoring engine: numpy in, numpy out, no Django.

``Tree.build`` prepares a framework, ``score_round`` scores a round, ``waterfall`` explains one city's total
and ``rank_intervals`` says how sure a rank is. ``ENGINE_VERSION`` goes into every snapshot and changes
whenever a score could.
"""

from .contributions import Waterfall, waterfall
from .curves import Curve, CurveError, parse_curve
from .leaves import bonus_from_level, bonus_points, checklist_score, level_score
from .normalise import Normalisation, NormalisationError, excluded_columns, normalise, parse_normalisation
from .panel import panel_aggregate
from .ranks import competition_rank, round_half_up
from .robustness import RankIntervals, rank_intervals
from .scoring import InputError, RoundInputs, RoundScores, score_round
from .states import State
from .tree import Aggregation, Missing, NodeSpec, Panel, Rules, Tree, TreeError, Unreviewed

ENGINE_VERSION = "1.0"

__all__ = [
    "ENGINE_VERSION",
    "Aggregation",
    "Curve",
    "CurveError",
    "InputError",
    "Missing",
    "NodeSpec",
    "Normalisation",
    "NormalisationError",
    "Panel",
    "RankIntervals",
    "RoundInputs",
    "RoundScores",
    "Rules",
    "State",
    "Tree",
    "TreeError",
    "Unreviewed",
    "Waterfall",
    "bonus_from_level",
    "bonus_points",
    "checklist_score",
    "competition_rank",
    "excluded_columns",
    "level_score",
    "normalise",
    "panel_aggregate",
    "parse_curve",
    "parse_normalisation",
    "rank_intervals",
    "round_half_up",
    "score_round",
    "waterfall",
]
