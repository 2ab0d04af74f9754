"""The reference framework from its sources in `fixtures/reference_framework/`."""

from decimal import Decimal
from pathlib import Path

from django.conf import settings

from indicators.importers import (
    INDICATOR_COLUMNS,
    ITEM_COLUMNS,
    LEVEL_COLUMNS,
    indicator_rows,
    item_rows,
    level_rows,
)
from indicators.rows import FrameworkData
from indicators.tree import canonical
from indicators.workbooks import match, read_table

SOURCES = Path(settings.BASE_DIR) / "fixtures" / "reference_framework"
WORKBOOK = Path(settings.BASE_DIR) / "fixtures" / "reference_framework.xlsx"

CODE = "learning-city"
EDITION = "draft-1"
_NAME_ZH = "学习型城市评价指标体系（参考稿）"
_NAME_EN = "Learning-city evaluation framework (reference draft)"
_SOURCE = (
    "依据《中国学习型城市建设案例（第一辑）》前言、序与建设报告，联合国教科文组织《学习型城市主要特征》（KF1—KF12），"
    "以及公开的国家目标与标准编写；各指标的依据见“依据”一列。"
)
_PROVENANCE = (
    "参考稿 — 非附录原文。本体系为本项目编写的参考稿，不是该书附录《中国学习型城市评价指标体系框架》的文本；"
    "“参考值”为本项目的建议。正式文本可用同一工作簿模板导入。"
)


def reference_framework(sources: Path = SOURCES) -> FrameworkData:
    """The reference framework as data, read from its CSV sources."""
    return canonical(
        FrameworkData(
            code=CODE,
            edition=EDITION,
            name_zh=_NAME_ZH,
            name_en=_NAME_EN,
            source=_SOURCE,
            provenance=_PROVENANCE,
            bonus_cap=Decimal(5),
            indicators=indicator_rows(match(read_table(sources / "indicators.csv"), INDICATOR_COLUMNS)),
            levels=level_rows(match(read_table(sources / "rubrics.csv"), LEVEL_COLUMNS)),
            items=item_rows(match(read_table(sources / "checklists.csv"), ITEM_COLUMNS)),
        )
    )
