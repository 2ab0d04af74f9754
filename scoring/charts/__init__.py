"""Figures as plain data for Plotly, each with a finding in words and the table that says the same."""

from scoring.charts.base import COLOURS, GREY, MOST_CITIES, SYMBOLS, About, Figure, figure_csv
from scoring.charts.city import MOST_AXES, Axis, dimensions, lost_points, radar
from scoring.charts.compare import comparison
from scoring.charts.distribution import spread
from scoring.charts.indicator import indicator
from scoring.charts.ranking import interval_words, ranking, ranking_finding
from scoring.charts.trend import Move, Series, slope, trend

__all__ = [
    "COLOURS", "GREY", "MOST_AXES", "MOST_CITIES", "SYMBOLS", "About", "Axis", "Figure", "Move", "Series", "comparison",
    "dimensions", "figure_csv", "indicator", "interval_words", "lost_points", "radar", "ranking", "ranking_finding",
    "slope", "spread", "trend",
]  # fmt: skip
