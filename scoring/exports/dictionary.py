"""数据字典: what every column of the exports means, as rows for the workbook, a CSV and Markdown."""

import csv
import io

from scoring.models import NodeScore

COLUMNS = ("列 (column)", "类型", "单位", "含义", "空值与写法")
_TEXT, _NUMBER, _WHOLE = "文本", "小数", "整数"
_NEVER = "不为空"
#: the long table, CSV and JSON: name, type, unit, meaning, what an empty cell says
LONG_TABLE = (
    ("round", _TEXT, "", "轮次代码", _NEVER),
    ("city_code", _TEXT, "", "城市代码", _NEVER),
    ("city", _TEXT, "", "城市名称", _NEVER),
    ("node_code", _TEXT, "", "节点代码；总分为 TOTAL", _NEVER),
    ("node", _TEXT, "", "节点名称", _NEVER),
    ("depth", _WHOLE, "", "层级：总分为 0，一级指标（维度）为 1，依次向下", _NEVER),
    ("global_weight", _NUMBER, "0–1", "全局权重：自总分向下各级权重之积", "加分项没有权重，为空"),
    ("self_score", _NUMBER, "分（0–100；加分项为加分）", "自评得分：只按城市填报计算", "没有自评得分时为空，不是 0"),
    ("final_score", _NUMBER, "分（0–100；加分项为加分）", "最终得分：依次取裁定、评审汇总；规定可采用时取自评", "没有得分时为空，不是 0"),
    ("points", _NUMBER, "分", "对总分的贡献", "没有得分时为空"),
    ("points_lost", _NUMBER, "分", "失分：与满分的差", "没有得分时为空"),
    ("rank", _WHOLE, "位", "名次：在该节点有得分的城市中排名，同分同名次", "没有得分时为空"),
    ("rank_low", _WHOLE, "位", "名次区间下限（模拟的 5% 位），只有 TOTAL 有", "未做模拟或不是 TOTAL 时为空"),
    ("rank_high", _WHOLE, "位", "名次区间上限（模拟的 95% 位），只有 TOTAL 有", "未做模拟或不是 TOTAL 时为空"),
    ("state", _TEXT, "", "状态，见下", _NEVER),
)  # fmt: skip
#: columns that only the workbook has
WORKBOOK = (
    ("汇总 · 排名用分 (rank_key)", _NUMBER, "分", "总分按“排名小数位”四舍五入，名次由它决定", "没有总分时为空"),
    ("汇总 · 等级 (grade)", _TEXT, "", "总分的等级，按“排名用分”划分；只有分等级的轮次才有此列", "没有总分或低于最低一档时为空"),
    ("得分 · 各节点列", _NUMBER, "分", "最终得分；末级指标为数值，上级和总分为公式", "没有得分时写原因，见“表中的词”"),
    ("指标得分 · 自评 (self)", _NUMBER, "分", "同 self_score", "没有时为空"),
    ("指标得分 · 评审 R1 (R1) …", _NUMBER, "分", "各席位评审认定值换算的得分；R1、R2 是席位，不是姓名", "该席位没有评定时为空"),
    ("指标得分 · 最终 (final)", _NUMBER, "分", "同 final_score", "没有得分时为空"),
    ("指标得分 · 填报版本 (version)", _WHOLE, "", "计分所依据的填报内容的版本", "没有填报时为 0"),
    ("指标得分 · 裁定 (ruling)", _NUMBER, "指标的单位", "评审组长的裁定值，代替评审汇总；不适用写作“不适用”", "没有裁定时为空"),
    ("评审意见 · 认定值 (value)", _NUMBER, "指标的单位", "该席位的认定值；同意不适用时为空", "同意不适用时为空"),
    ("佐证材料目录 · 字节数 (size)", _WHOLE, "字节", "文件大小", _NEVER),
    ("佐证材料目录 · SHA-256", _TEXT, "", "文件内容的摘要，可用来核对文件未被改动", _NEVER),
    ("权重 · 同级权重 (weight)", _NUMBER, "0–1", "在同级指标中的权重，同级合计为 1", "加分项没有"),
    ("校验 · 差", _NUMBER, "分", "表内公式重算的总分与存档总分之差的绝对值", "没有总分时为空"),
)  # fmt: skip
_MEANINGS = {
    "value": "有得分",
    "blank": "城市没有填写，按本轮的缺失规则处理",
    "unavailable": "城市说明无法提供，按本轮的缺失规则处理",
    "not_applicable": "评审同意不适用，不计入，权重由同级分担",
    "not_assessed": "尚未评定，不参加排名",
    "excluded": "不计入：没有可用的下级，或低于最低数据占比",
}
_IN_TABLES = {
    "blank": "未填",
    "unavailable": "无法提供",
    "not_applicable": "不适用",
    "not_assessed": "—",
    "excluded": "不计入",
}


def dictionary_rows() -> list[tuple[str, ...]]:
    """Every column and every state, under `COLUMNS`."""
    states = [
        (f"state = {state.value}", _TEXT, "", _MEANINGS[state.value], _shown(state))
        for state in NodeScore.State
    ]
    return [*LONG_TABLE, *WORKBOOK, *states]


def _shown(state: NodeScore.State) -> str:
    word = _IN_TABLES.get(state.value)
    return f"表中的词：{word}" if word else f"工作簿状态列写作“{state.label}”"


def dictionary_csv() -> bytes:
    """UTF-8 with BOM."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([COLUMNS, *dictionary_rows()])
    return text.getvalue().encode("utf-8-sig")


def dictionary_markdown() -> bytes:
    lines = [COLUMNS, ("---",) * len(COLUMNS), *dictionary_rows()]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"# 数据字典\n\nCSV 为带 BOM 的 UTF-8；小数为全精度；空单元格表示没有，绝不等于 0。\n\n{table}\n".encode()
