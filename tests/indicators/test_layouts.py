"""The usual Chinese table of indicators: recognised, mapped, corrected by a person, imported."""

import importlib.util
import io
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from indicators.importers import read_framework
from indicators.layout_bands import bands_of
from indicators.layout_building import build
from indicators.layouts import recognise
from indicators.models import Framework, RubricLevel
from indicators.problems import errors
from indicators.tree import validate
from indicators.workbooks import WorkbookError, read_book
from tests import make
from tests.indicators.test_web_import import confirm, rows_of, run, text_of, uploaded

SAMPLES = Path(__file__).parents[2] / "fixtures" / "samples"
SAMPLE = SAMPLES / "usual_layout.xlsx"


def table(rows: list[list], *merges: str, sheet: str = "表", hidden: tuple[int, ...] = ()) -> bytes:
    workbook = openpyxl.Workbook()
    page = workbook.active
    page.title = sheet
    for row in rows:
        page.append(row)
    for area in merges:
        page.merge_cells(area)
    for number in hidden:
        page.row_dimensions[number].hidden = True
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def built(content: bytes, fields: dict[int, str] | None = None, **where):
    book = read_book(content)
    layout = recognise(book, **where)
    assert layout is not None
    return build(book[layout.sheet], layout.with_fields(fields or {}), code="T", edition="1", name_zh="试验")


def tree_of(made) -> list[tuple]:
    return [
        (row.code, row.name_zh, None if row.points is None else format(row.points.normalize(), "f"), row.kind)
        for row in made.data.indicators
    ]


def said(made) -> str:
    return "\n".join(str(problem) for problem in made.problems)


HEAD3 = ["一级指标", "二级指标", "三级指标", "分值", "评分标准"]


# --- the sample --------------------------------------------------------------------------------------------


def built_sample() -> bytes:
    spec = importlib.util.spec_from_file_location("samples", SAMPLES / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.usual_layout()


def test_the_sample_is_what_its_code_makes():
    made, stored = read_book(built_sample()), read_book(SAMPLE)
    assert {name: one.rows for name, one in made.items()} == {name: one.rows for name, one in stored.items()}
    assert made["评价表"].extent.merged == stored["评价表"].extent.merged


def test_the_sample_says_that_it_is_made_up():
    assert "自编样例，非官方文件" in read_book(SAMPLE)["评价表"].rows[0].cell(0).text


def test_the_sample_is_recognised_whole():
    made = built(SAMPLE.read_bytes())
    assert tree_of(made)[:7] == [
        ("A", "组织与保障", "40", ""), ("A1", "领导机制", "20", ""), ("A1.1", "议事协调机构", "10", "rubric"),
        ("A1.2", "年度工作计划", "10", "rubric"), ("A2", "经费投入", "20", ""), ("A2.1", "经费列入预算", "12", "rubric"),
        ("A2.2", "社会捐助机制", "8", "rubric"),
    ]  # fmt: skip
    assert tree_of(made)[-1] == ("C1.1", "可推广的经验", "5", "bonus")
    leaf = made.data.indicators[2]
    assert (leaf.evidence_hint, leaf.department_hint, leaf.basis) == (
        "成立文件、会议纪要",
        "市教育局",
        "样例",
    )
    assert errors(validate(made.data, for_publishing=True)) == []
    assert "按表格版式识别导入，须人工核对" in made.data.provenance


@pytest.mark.django_db
def test_the_sample_goes_through_the_web(client):
    client.force_login(make.user("administrator"))
    content = SAMPLE.read_bytes()
    check = uploaded(client, content)
    page = client.get(check)
    assert ["错误", "—", "—", "代码", "—", "为空，必须填写", "请在本页填写"] in rows_of(page)
    assert next(cells[:2] for cells in rows_of(page) if cells[0] == "D") == ["D", "分值"]
    answers = {"code": "SAMPLE", "name_zh": "样例", "edition": "1", "sheet": "评价表", "header": "2"}
    columns = ("level1", "level2", "level3", "points", "rubric", "evidence_hint", "department_hint", "")
    client.post(check, {**answers, **{f"column-{n}": name for n, name in enumerate(columns)}})
    page = client.get(check)
    assert "可以导入为“SAMPLE”的版本“1”" in text_of(page)
    assert any(cells[3:6] == ["H", "备注", "没有对应的项目，这一列未读取"] for cells in rows_of(page))
    assert ["A1 领导机制", "20", "20", "", ""] in rows_of(page)
    assert not Framework.objects.exists()
    assert confirm(client, check, publish="on")["Location"] == "/framework/SAMPLE/1/"
    framework = Framework.objects.get()
    assert framework.indicators.count() == 17
    assert framework.indicators.get(code="A1.1").basis == ""  # this column was taken out
    assert (
        "〔建议等级，原文未分等级〕" in RubricLevel.objects.get(indicator__code="A1.2", level="A").descriptor
    )
    # the same file with the same answers again
    check = uploaded(client, content)
    client.post(check, {**answers, **{f"column-{n}": name for n, name in enumerate(columns)}})
    assert "内容相同，无须导入" in text_of(client.get(check))


@pytest.mark.django_db
def test_choices_that_make_no_sense_are_answered_in_words(client):
    client.force_login(make.user("administrator"))
    check = uploaded(client, SAMPLE.read_bytes())
    answers = {"code": "S", "name_zh": "样例", "edition": "1", "sheet": "评价表", "header": "2"}
    twice = {f"column-{n}": "rubric" for n in range(2)}
    client.post(check, {**answers, **twice})
    assert "有几列都对应“评分标准”" in text_of(client.get(check))
    client.post(check, {**answers, "header": "5"})
    assert "没有识别出表头" in text_of(client.get(check))
    client.post(check, answers)
    assert "可以导入" in text_of(client.get(check))
    assert client.post(check, {**answers, "sheet": "别的"}).status_code == 422


@pytest.mark.django_db
def test_the_command_points_to_the_page(capsys, tmp_path):
    code, lines = run(capsys, tmp_path, SAMPLE.read_bytes())
    assert (code, len(lines)) == (1, 1)
    assert "工作表“评价表”像是逐级合并单元格的指标表，请在网页“导入指标体系”中上传" in lines[0]


# --- the shapes that tables have ---------------------------------------------------------------------------


def test_two_levels_with_titles_above_and_a_total_below():
    made = built(
        table(
            [["附件1"], ["某市评价指标"], [], ["序号", "一级指标", "二级指标", "满分", "评分细则"],
             [1, "甲", "甲一", 60, "x"], [2, None, "甲二", "30分", "y"], [3, "乙", "乙一", 10, "z"], ["合 计", None, None, 90, None]],
            "B5:B6", "A8:C8",
        )
    )  # fmt: skip
    assert tree_of(made) == [
        ("A", "甲", "90", ""), ("A1", "甲一", "60", "rubric"), ("A2", "甲二", "30", "rubric"),
        ("B", "乙", "10", ""), ("B1", "乙一", "10", "rubric"),
    ]  # fmt: skip
    assert made.data.source == "某市评价指标"
    assert "“90”：合计行与各末级指标之和 100 不一致" in said(made)


def test_four_levels_and_a_leaf_above_the_last():
    head = ["一级指标", "二级指标", "三级指标", "观测点", "权重", "评分标准"]
    rows = [
        ["甲", "乙", "丙", "丁", "50%", ""],
        [None, None, None, "戊", "50%", ""],
        [None, "己", None, None, 1, ""],
    ]
    made = built(table([head, *rows], "A2:A4", "B2:B3", "C2:C3"))
    assert [(row.code, row.name_zh, row.weight) for row in made.data.indicators] == [
        ("A", "甲", None), ("A1", "乙", None), ("A1.1", "丙", None), ("A1.1.1", "丁", Decimal(50)),
        ("A1.1.2", "戊", Decimal(50)), ("A2", "己", Decimal(1)),
    ]  # fmt: skip


def test_names_repeated_in_every_row_instead_of_merged():
    rows = [["甲", "其他", "一", 1], ["甲", "其他", "二", 2], ["乙", "其他", "三", 3]]
    made = built(table([HEAD3[:4], *rows]))
    assert [row.code for row in made.data.indicators] == ["A", "A1", "A1.1", "A1.2", "B", "B1", "B1.1"]


def test_points_in_brackets_and_points_of_upper_levels():
    head = ["一级指标", "分值", "二级指标", "分值", "评分标准"]
    rows = [
        ["甲（15分）", 15, "甲一", 10, "x"],
        [None, None, "甲二", 5, "y"],
        ["乙", 85, "乙一（85分）", None, "z"],
    ]
    made = built(table([head, *rows], "A2:A3", "B2:B3"))
    assert tree_of(made) == [
        ("A", "甲", "15", ""), ("A1", "甲一", "10", "rubric"), ("A2", "甲二", "5", "rubric"),
        ("B", "乙", "85", ""), ("B1", "乙一", "85", "rubric"),
    ]  # fmt: skip


def test_points_merged_over_a_whole_group_belong_to_the_group():
    rows = [["甲", "乙", "丙", 10, "x"], [None, None, "丁", None, "y"], [None, "戊", "己", 5, "z"]]
    made = built(table([HEAD3, *rows], "A2:A4", "B2:B3", "D2:D3"))
    points = {row.name_zh: row.points for row in made.data.indicators if row.points is not None}
    assert points == {"甲": Decimal(15), "乙": Decimal(10), "戊": Decimal(5), "己": Decimal(5)}


def test_a_leaf_over_several_rows_keeps_all_its_text():
    rows = [["甲", "乙", "丙", 2, "第一条"], [None, None, None, 3, "第二条"], [None, None, "丁", 5, "x"]]
    made = built(table([HEAD3, *rows], "A2:A4", "B2:B4", "C2:C3"))
    assert tree_of(made)[2] == ("A1.1", "丙", "5", "rubric")
    assert "第一条\n第二条" in made.data.levels[0].descriptor
    assert "与上面几行的分值相加，作为“丙”的分值" in said(made)


def test_a_text_merged_over_several_leaves_holds_for_each():
    rows = [["甲", "乙", "丙", 1, "同一标准"], [None, None, "丁", 1, None]]
    made = built(table([HEAD3, *rows], "A2:A3", "B2:B3", "E2:E3"))
    assert ["同一标准" in level.descriptor for level in made.data.levels if level.level == "A"] == [
        True,
        True,
    ]


def test_a_header_of_two_rows():
    head = [["指标体系", None, None, "分值", "评分标准"], ["一级指标", "二级指标", "三级指标", None, None]]
    made = built(table([*head, ["甲", "乙", "丙", 5, "x"]], "A1:C1", "D1:D2", "E1:E2"))
    assert tree_of(made)[2] == ("A1.1", "丙", "5", "rubric")


def test_what_was_not_understood_is_said():
    rows = [["甲", "乙", "丙", "十", "x", "?"], [*HEAD3, "去向"], ["注：以上由各市填报"], ["一、基础部分"]]
    content = table([[*HEAD3, "去向"], *rows], "A4:F4", "A5:F5", hidden=(2,))
    made = built(content)
    words = said(made)
    assert "第 3 行：“一级指标”是重复的表头，未读取" in words
    assert "第 4 行：“注：以上由各市填报”是表后的说明，未读取" in words
    assert "第 5 行：“一、基础部分”是横跨各列的标题行，未读取" in words
    assert "“去向”没有对应的项目，这一列未读取" in words
    assert [problem.value for problem in errors(validate(made.data, for_publishing=False))] == ["十"]


def test_a_person_may_say_which_columns_are_the_levels():
    content = table([["项目", "甲栏", "分值"], ["一", "二", 3], [None, "四", 5]], "A2:A3")
    assert [row.name_zh for row in built(content).data.indicators] == ["一"]
    made = built(content, {1: "level2"})
    assert tree_of(made) == [("A", "一", "8", ""), ("A1", "二", "3", "rubric"), ("A2", "四", "5", "rubric")]


def test_a_sheet_called_as_ours_but_laid_out_as_theirs_is_recognised():
    content = table([HEAD3, ["甲", "乙", "丙", 5, "x"]], sheet="指标体系")
    assert tree_of(built(content))[2] == ("A1.1", "丙", "5", "rubric")
    with pytest.raises(WorkbookError, match="像是逐级合并单元格的指标表"):
        read_framework(content)


def test_a_table_without_any_indicator_is_an_error_in_words():
    made = built(table([HEAD3, ["合计", None, None, 100, None]]))
    assert [problem.reason for problem in errors(validate(made.data, for_publishing=False))] == [
        "没有任何指标"
    ]


def test_what_is_no_table_of_indicators_is_not_taken_for_one():
    assert recognise(read_book(table([["姓名", "电话"], ["甲", 1]]))) is None
    assert recognise(read_book(table([HEAD3]))) is None  # nothing below the header


# --- levels out of a text ----------------------------------------------------------------------------------


def bands(text: str, points: int | None = None) -> list[tuple]:
    found = bands_of("A", text, points=None if points is None else Decimal(points), row=1)
    return [
        (level.label, int(level.score_min), int(level.score_max), level.descriptor) for level in found.levels
    ]


def test_bands_with_scores_are_read_as_they_stand():
    assert bands("A：90-100分，全面；B：75~89分，较好；C：60—74分，一般；D：60分以下，不足") [:3] == [
        ("A", 90, 100, "全面"), ("B", 75, 89, "较好"), ("C", 60, 74, "一般"),
    ]  # fmt: skip
    assert bands("优秀（90分以上）：甲\n良好（60-89分）：乙\n不合格（60分以下）：丙") == [
        ("优秀", 90, 100, "甲"), ("良好", 60, 89, "乙"), ("不合格", 0, 59, "丙"),
    ]  # fmt: skip


def test_bands_in_points_become_scores_of_a_hundred():
    assert bands("优（4-5分）：甲；良（2-3分）：乙；差（0-1分）：丙", 5) == [
        ("优", 80, 100, "甲"), ("良", 40, 79, "乙"), ("差", 0, 39, "丙"),
    ]  # fmt: skip


def test_bands_without_scores_get_the_usual_ones_marked_as_proposed():
    assert bands("优秀：甲；良好：乙；合格：丙") == [
        ("优秀", 90, 100, "〔建议分数区间〕甲"), ("良好", 75, 89, "〔建议分数区间〕乙"), ("合格", 60, 74, "〔建议分数区间〕丙"),
        ("其余", 0, 59, "〔建议等级，原文没有〕未达到以上各等级。"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "有计划、有总结的得满分；缺一项扣一半。",
        "优秀",
        "良好：乙；优秀：甲",  # out of order
        "工作优秀，群众一般满意",
        "",
        "差（0-1分）",
    ],
)
def test_a_text_without_bands_stays_whole_in_the_standard_scale(text):
    made = bands(text)
    assert [band[:3] for band in made] == [
        ("优秀", 90, 100),
        ("良好", 75, 89),
        ("合格", 60, 74),
        ("待改进", 0, 59),
    ]
    assert made[0][3] == f"〔建议等级，原文未分等级〕{text or '原文没有评分标准。'}"
    assert all(band[3].startswith("〔建议等级") for band in made)
