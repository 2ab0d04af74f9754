"""The commands that bring in cities and answers, as an operator runs them."""

import io

import openpyxl
import pytest
from django.conf import settings
from django.core.management import call_command

from accounts.models import AuditEntry
from cities import actions as city_actions
from cities.models import Answer, City, Round, Submission
from tests import make

pytestmark = pytest.mark.django_db


def run(*args: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*args, stdout=out, stderr=err)
    except SystemExit as leaving:
        return int(leaving.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def sheet(tmp_path):
    def write(*rows: list, name: str = "填报") -> str:
        workbook = openpyxl.Workbook()
        workbook.active.title = name
        for row in rows:
            workbook.active.append(row)
        workbook.save(tmp_path / "data.xlsx")
        return str(tmp_path / "data.xlsx")

    return write


def test_the_sixteen_cities_come_in_and_twice_changes_nothing():
    path = str(settings.BASE_DIR / "fixtures" / "cities.csv")
    assert run("import_cities", path)[1].strip() == "已导入 16 个城市：新增 16，更新 0。"
    assert run("import_cities", path)[1].strip() == "已导入 16 个城市：新增 0，更新 16。"
    kunshan = City.objects.get(adcode="320583")
    assert (kunshan.code, kunshan.name_zh, kunshan.get_level_display()) == ("320583", "昆山市", "县级市")


def test_cities_from_a_workbook_need_only_a_code_and_a_name(sheet):
    path = sheet(["code", "name_zh"], ["AUT", "Austria"], ["BEL", "Belgium"], name="任意")
    assert run("import_cities", path)[0] == 0
    assert list(City.objects.values_list("code", "adcode")) == [("AUT", None), ("BEL", None)]


def test_populations_are_optional_and_a_file_without_them_leaves_what_is_known(sheet):
    path = sheet(["code", "name_zh", "常住人口（万人）"], ["A", "甲市", "1,280.5"], ["B", "乙市", ""])
    assert run("import_cities", path)[0] == 0
    assert run("import_cities", sheet(["code", "name_zh"], ["A", "甲市"]))[0] == 0

    assert [str(one) for one in City.objects.values_list("population", flat=True)] == ["1280.50", "None"]
    for wrong in ("-3", "很多", "1.234", "0"):
        code, _, err = run("import_cities", sheet(["code", "name_zh", "population"], ["A", "甲市", wrong]))
        assert code == 1
        assert "不是以万人为单位的常住人口" in err


def test_wrong_cities_are_listed_with_their_place_and_nothing_is_written(sheet):
    path = sheet(["adcode", "名称", "级别"], ["11", "甲", ""], ["110000", "", ""], ["110000", "乙", "大城市"])
    code, _, err = run("import_cities", path)
    assert code == 1
    assert err.splitlines() == [
        "工作表“填报”第 2 行“adcode”：“11”不是六位数字。",
        "工作表“填报”第 3 行“名称”：名称为空。请填写城市名称。",
        "工作表“填报”第 4 行“级别”：“大城市”应为直辖市、副省级市、地级市、县级市之一。",
        "工作表“填报”第 4 行“adcode”：“110000”与第 3 行重复。代码只能出现一次。",
        "工作表“填报”第 4 行“adcode”：“110000”与第 3 行重复。行政区划代码只能出现一次。",
    ]
    assert not City.objects.exists()


def test_a_round_opens_now_without_a_deadline_by_default():
    framework = make.framework(missing="exclude")
    assert run("open_round", "r1", "--framework", framework.code, "--year", "1999")[0] == 0
    opened = Round.objects.get(code="r1")
    assert opened.accepts_answers()
    assert (opened.closes_at, opened.unreviewed, opened.missing, opened.panel) == (
        None,
        "block",
        "exclude",
        "mean",
    )


def test_a_round_on_nothing_published_is_refused_in_words():
    framework = make.framework(published=False)
    code, _, err = run("open_round", "r1", "--framework", framework.code, "--year", "2025")
    assert (code, err.strip()) == (
        1, f"指标体系“{framework.code}”没有已发布的版本。请先用 import_framework 导入并发布。",
    )  # fmt: skip


def state_of(city: City, code: str) -> tuple:
    answer = Answer.objects.get(submission__city=city, indicator__code=code)
    return answer.value_state, answer.value


def test_wide_answers_of_every_kind(sheet):
    in_round = make.round_()
    one, two = make.city(), make.city(adcode="110000")
    path = sheet(
        ["行政区划代码", "A1", "A2", "B1", "H1"],
        [one.code, 50, "B", "1;2", 3],
        ["110000", "无法提供", 95, "不适用", None],
    )
    assert (
        run("import_answers", in_round.code, path)[1].strip() == "已导入：2 个城市，更新 7 项，无变化 0 项。"
    )
    assert [state_of(one, code) for code in ("A1", "A2", "B1", "H1")] == [
        ("value", 50.0), ("value", 89.0), ("value", 100.0), ("value", 3.0),
    ]  # fmt: skip
    assert [state_of(two, code) for code in ("A1", "A2", "B1", "H1")] == [
        ("unavailable", None), ("value", 95.0), ("not_applicable", None), ("blank", None),
    ]  # fmt: skip
    assert Answer.objects.get(submission__city=two, indicator__code="B1").reason == "批量导入"
    again = run("import_answers", in_round.code, path)[1].strip()
    assert again == "已导入：2 个城市，更新 0 项，无变化 7 项。"


def test_an_empty_cell_leaves_the_answer_and_a_row_without_values_still_takes_part(sheet):
    in_round, one, two = make.round_(), make.city(), make.city()
    run("import_answers", in_round.code, sheet(["code", "A1"], [one.code, 50], [two.code, None]))
    assert Submission.objects.filter(round=in_round).count() == 2
    run("import_answers", in_round.code, sheet(["code", "A1", "A2"], [one.code, None, "A"]))
    assert state_of(one, "A1") == ("value", 50.0)
    assert state_of(one, "A2") == ("value", 100.0)
    run("import_answers", in_round.code, sheet(["code", "A1"], [one.code, "【清空】"]))
    assert state_of(one, "A1") == ("blank", None)


def test_long_answers(sheet):
    in_round, one = make.round_(), make.city()
    path = sheet(["city_code", "indicator_code", "value", "narrative"], [one.code, "A1", "1,280", "说明"],
                 [one.code, "A2", "优秀", ""])  # fmt: skip
    assert run("import_answers", in_round.code, path)[0] == 0
    assert state_of(one, "A1") == ("value", 1280.0)
    assert state_of(one, "A2") == ("value", 100.0)
    assert Answer.objects.get(submission__city=one, indicator__code="A1").narrative == "说明"


def test_every_wrong_cell_is_listed_and_nothing_is_written(sheet):
    in_round, one = make.round_(), make.city()
    path = sheet(["code", "A1", "A2", "B1", "Z9"], [one.code, "很多", "Q", "7", 1], ["nowhere", 1, None, None, None],
                 [one.code, 2, None, None, None])  # fmt: skip
    code, out, err = run("import_answers", in_round.code, path)
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "工作表“填报”第 1 行“E”：“Z9”不是本轮指标体系的末级指标编号。请改正编号或删去此列。",
        "工作表“填报”第 2 行“A1”：“很多”不是数字。请填写数字，或填写“不适用”“无法提供”。",
        "工作表“填报”第 2 行“A2”：“Q”不是等级，也不是评分。请填写数字，或填写“不适用”“无法提供”。",
        "工作表“填报”第 2 行“B1”：“7”没有序号为 7 的要点。",
        "工作表“填报”第 3 行“code”：“nowhere”没有这个城市。请先用 import_cities 导入城市，或改正代码。",
        f"工作表“填报”第 4 行“code”：“{one.code}”与第 2 行重复。每个城市只能出现一次。",
    ]
    assert not Submission.objects.exists()


def test_submit_hands_in_without_the_forms_checks_and_says_so_in_the_log(sheet):
    in_round, one = make.round_(), make.city()
    path = sheet(["code", "A1"], [one.code, 1e6])  # far out of range: any finite number is accepted
    assert "提交 1 个城市" in run("import_answers", in_round.code, path, "--submit")[1]
    submitted = Submission.objects.get(round=in_round)
    assert submitted.status == Submission.Status.SUBMITTED
    assert AuditEntry.objects.filter(action="import_answers", detail__handed_in=True).count() == 1
    code, _, err = run("import_answers", in_round.code, path)
    assert (code, err.strip()) == (1, f"{one}已提交，不能再导入。")


def test_a_dry_run_writes_nothing(sheet):
    in_round, one = make.round_(), make.city()
    out = run("import_answers", in_round.code, sheet(["code", "A1"], [one.code, 1]), "--dry-run")[1]
    assert out.startswith("试运行，未写入任何数据：1 个城市，更新 1 项")
    assert not Submission.objects.exists()


def test_a_wrong_header_or_round_is_said(sheet):
    in_round = make.round_()
    code, _, err = run("import_answers", in_round.code, sheet(["城市名", "A1"], ["x", 1]))
    assert (code, err.strip()) == (
        1,
        "工作表“填报”的第一列应为“行政区划代码”（或 city_code、adcode、code）。",
    )
    assert (
        run("import_answers", "nothing", sheet(["code"]))[2].strip()
        == "没有轮次“nothing”。请先用 open_round 建立。"
    )


def test_a_score_and_a_level_that_contradict_each_other_are_told(sheet):
    in_round, one = make.round_(), make.city()
    path = sheet(["city_code", "indicator_code", "value", "level"], [one.code, "A2", 95, "D"])
    code, _, err = run("import_answers", in_round.code, path)
    assert (code, err.strip()) == (
        1,
        "工作表“填报”第 2 行“value”：“95”与等级“D”不符。请只填一个，或改成一致。",
    )


def test_an_empty_sheet_is_not_replaced_by_another(tmp_path):
    in_round, one = make.round_(), make.city()
    workbook = openpyxl.Workbook()
    workbook.active.title = "别的"
    workbook.active.append(["code", "A1"])
    workbook.active.append([one.code, 99])
    workbook.create_sheet("填报").append(["code", "A1"])
    workbook.save(tmp_path / "two.xlsx")
    code, _, err = run("import_answers", in_round.code, str(tmp_path / "two.xlsx"))
    assert (code, "工作表“填报”没有数据行" in err) == (1, True)


def test_importing_again_keeps_the_citys_own_reason(sheet):
    in_round, one = make.round_(), make.city()
    path = sheet(["code", "A1"], [one.code, "不适用"])
    run("import_answers", in_round.code, path)
    Answer.objects.filter(indicator__code="A1").update(reason="本市没有该项职能")
    run("import_answers", in_round.code, path)
    assert Answer.objects.get(indicator__code="A1").reason == "本市没有该项职能"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--year", "99999"], "评价年度应在 1900 到 2200 之间，当前为 99999。"),
        (["--year", "2025", "--name", "长" * 201], "轮次名称超过 200 个字符。"),
    ],
)
def test_a_round_that_the_database_would_not_take_is_refused_in_words(options, words):
    code, _, err = run("open_round", "r", "--framework", make.framework().code, *options)
    assert (code, err.strip()) == (1, words)


@pytest.mark.parametrize("name", ["new", "..", " 前后 ", "a/b", "长" * 65])
def test_a_code_that_no_address_can_hold_is_refused(name):
    code, _, err = run("open_round", name, "--framework", make.framework().code, "--year", "2025")
    assert (code, err.count("\n")) == (1, 1)
    assert "轮次代码" in err


def test_codes_that_run_together_do_not_share_a_receipt():
    one = make.submission(make.city(code="1-2"), make.round_(code="X"))
    two = make.submission(make.city(code="2"), make.round_(code="X-1"))
    for submission in (one, two):
        city_actions.hand_in(submission=submission, by=None)
    assert one.receipts.get().number != two.receipts.get().number
