"""What is measured, one module per concern."""

from indicators.models.framework import (
    Aggregation,
    ChecklistItem,
    Framework,
    Indicator,
    Missing,
    RubricLevel,
)

__all__ = ["Aggregation", "ChecklistItem", "Framework", "Indicator", "Missing", "RubricLevel"]
