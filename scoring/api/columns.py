"""The columns of the open data tables, with what they mean: for the description, the page and the files."""

from dataclasses import dataclass
from typing import Any

from scoring.exports.dictionary import LONG_TABLE

_TYPES = {"文本": "string", "小数": "number", "整数": "integer"}


@dataclass(frozen=True)
class Column:
    """A column: its type as JSON names it, what it means, and what may be missing of it."""

    name: str
    type: str
    meaning: str
    empty: str = ""

    @property
    def schema(self) -> dict[str, Any]:
        kind: Any = [self.type, "null"] if self.empty else self.type
        words = f"{self.meaning}。{self.empty}" if self.empty else self.meaning
        return {"type": kind, "description": words}


#: the long table, the same in every export
RESULTS = [
    Column(
        name, _TYPES[kind], f"{meaning}（{unit}）" if unit else meaning, "" if empty == "不为空" else empty
    )
    for name, kind, unit, meaning, empty in LONG_TABLE
]
GRADE = Column("grade", "string", "总分的等级，只有 TOTAL 有", "本轮不分等级或没有总分时为空")
ROUNDS = [
    Column("code", "string", "轮次代码"),
    Column("name", "string", "轮次名称"),
    Column("year", "integer", "评价年度"),
    Column("framework", "string", "指标体系代码"),
    Column("edition", "string", "指标体系版本"),
    Column("framework_name", "string", "指标体系名称"),
    Column("is_demo", "boolean", "是否演示数据"),
    Column("is_pilot", "boolean", "是否试点"),
    Column("marks", "string", "使用时必须同时标明的性质：演示数据、试点"),
    Column("provenance", "string", "指标体系的说明，使用时应一并注明"),
    Column("published_at", "string", "首次公布的时间"),
    Column("snapshot", "integer", "最近公布的快照编号"),
    Column("url", "string", "本轮的地址"),
]
CITIES = [
    Column("code", "string", "城市代码"),
    Column("name", "string", "城市名称"),
    Column("name_en", "string", "英文名称"),
    Column("adcode", "string", "行政区划代码", "没有时为空"),
    Column("province", "string", "省份"),
    Column("level", "string", "级别：municipality、subprovincial、prefecture、county；未登记时为空文本"),
    Column("region", "string", "区域：east、central、west、northeast；未登记时为空文本"),
    Column("population", "number", "常住人口（万人）", "未登记时为空"),
    Column("submitted", "boolean", "是否已提交填报"),
    Column("total", "number", "总分", "没有总分时为空，不是 0"),
    Column("grade", "string", "等级", "本轮不分等级或没有总分时为空"),
    Column("rank", "integer", "名次", "没有总分或不公布名次时为空"),
    Column("rank_low", "integer", "名次区间下限", "未做模拟或不公布名次时为空"),
    Column("rank_high", "integer", "名次区间上限", "未做模拟或不公布名次时为空"),
    Column(
        "gap_level",
        "number",
        "总分 − 名单中其他同级别城市总分的中位数（百分点）",
        "没有总分或没有可比的城市时为空",
    ),
    Column(
        "gap_region",
        "number",
        "总分 − 名单中其他同区域城市总分的中位数（百分点）",
        "没有总分或没有可比的城市时为空",
    ),
    Column("state", "string", "总分的状态，词与结果表相同"),
    Column("why_not_ranked", "string", "为何没有总分", "有总分时为空"),
]
FRAMEWORK = [
    Column("code", "string", "编号"),
    Column("parent", "string", "上级编号", "一级指标为空"),
    Column("depth", "integer", "层级：一级指标（维度）为 1"),
    Column("name_zh", "string", "名称"),
    Column("name_en", "string", "英文名称", "没有时为空"),
    Column("kind", "string", "类型：quantity、rubric、checklist、bonus", "有下级的为空"),
    Column("aggregation", "string", "本节点的汇总方式", "随体系时为空"),
    Column("local_weight", "number", "同级权重，合计为 1", "加分项为空"),
    Column("global_weight", "number", "全局权重", "加分项为空"),
    Column("points", "number", "分值：100 × 全局权重", "加分项为空"),
    Column("bonus_maximum", "number", "加分的上限", "不是加分项时为空"),
    Column("is_bonus", "boolean", "是否加分项"),
    Column("unit", "string", "单位", "没有时为空"),
    Column("curve", "string", "评分曲线 x:得分|x:得分", "没有时为空"),
    Column("normalise", "string", "在全轮中归一化的方法", "没有时为空"),
    Column("direction", "integer", "方向：1 正向，-1 逆向"),
    Column("definition", "string", "口径", "没有时为空"),
    Column("evidence_hint", "string", "佐证要求", "没有时为空"),
    Column("department_hint", "string", "责任单位", "没有时为空"),
    Column("basis", "string", "依据", "没有时为空"),
    Column("levels", "string", "评分等级 等级:名称:最低分-最高分，以 | 分隔", "没有时为空"),
    Column("items", "string", "要点 要点:得分:内容，以 | 分隔", "没有时为空"),
]
RESULT_COLUMNS, ROUND_COLUMNS, CITY_COLUMNS, FRAMEWORK_COLUMNS = (
    tuple(column.name for column in table) for table in (RESULTS, ROUNDS, CITIES, FRAMEWORK)
)
