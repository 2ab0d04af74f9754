"""Any tree and any data can be scored without a round's pages: commands alone, on a fresh database, equal to the pages."""

import csv
import io
import re

import openpyxl
import pytest
from django.core.management import call_command
from django.urls import reverse

from scoring.models import ResultSnapshot
from tests import make

pytestmark = pytest.mark.django_db

#: a framework of its own: two dimensions, one of them geometric, a leaf normalised across the round, a bonus
FRAMEWORK = [
    ["编号 (code)", "上级编号 (parent)", "名称 (name_zh)", "权重 (weight)", "分值 (points)", "类型 (kind)", "评分曲线 (curve)",
     "归一化 (normalise)", "方向 (direction)", "汇总方式 (aggregation)", "单位 (unit)"],
    ["K", "", "知识", 3, None, "", "", "", 1, "geometric", ""],
    ["K.1", "K", "藏书量", 1, None, "quantity", "0:0|10:50|30:100", "", 1, "", "册"],
    ["K.2", "K", "读书会", 1, None, "quantity", "0:0|100:100", "", 1, "", "%"],
    ["W", "", "工作", 1, None, "", "", "", 1, "", ""],
    ["W.1", "W", "失业率", 2, None, "quantity", "", "minmax", -1, "", "%"],
    ["W.2", "W", "培训", 1, None, "rubric", "", "", 1, "", ""],
    ["Z", "", "加分", None, 2, "bonus", "", "", 1, "", ""],
]  # fmt: skip
LEVELS = [
    [
        "编号 (code)",
        "等级 (level)",
        "名称 (label)",
        "最低分 (score_min)",
        "最高分 (score_max)",
        "描述 (descriptor)",
    ],
    ["W.2", "好", "好", 60, 100, "好的描述"],
    ["W.2", "差", "差", 0, 59, "差的描述"],
]
ANSWERS = [
    ["city_code", "K.1", "K.2", "W.1", "W.2", "Z"],
    ["north", 20, 64, 2, "好", 1],
    ["south", 10, 36, 6, "差", None],
    ["east", "不适用", 49, 4, "好", 5],
]
#: by hand — K.1: 75, 50, 不适用; K.2: 64, 36, 49; K: √(75·64), √(50·36), 49. W.1 (reverse min–max): 100, 0, 50;
#: W.2: 100, 59, 100; W = (2·W.1 + W.2)/3: 100, 59/3, 200/3. TOTAL = (3·K + W)/4 + bonus (1, 0, 2 at most)
EXPECTED = {
    "north": (3 * (75 * 64) ** 0.5 + 100) / 4 + 1,
    "south": (3 * (50 * 36) ** 0.5 + 59 / 3) / 4,
    "east": (3 * 49 + 200 / 3) / 4 + 2,
}


def run(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return str(path)


@pytest.fixture
def through_the_door(tmp_path):
    about = [["代码", "OWN"], ["名称", "自有体系"], ["版本", "1"]]
    run(
        "import_framework",
        workbook(tmp_path / "f.xlsx", 指标体系=FRAMEWORK, 评分标准=LEVELS, 说明=about),
        "--publish",
    )
    cities = [["code", "name_zh"], ["north", "北城"], ["south", "南城"], ["east", "东城"]]
    run("import_cities", workbook(tmp_path / "c.xlsx", 城市=cities))
    run("open_round", "OWN-1", "--framework", "OWN", "--year", "2024", "--unreviewed", "stand")
    run("import_answers", "OWN-1", workbook(tmp_path / "a.xlsx", 填报=ANSWERS), "--submit")
    said = run("compute_scores", "OWN-1", "--draws", "100")
    for name in ("out.csv", "out.xlsx"):
        run("export_results", "OWN-1", str(tmp_path / name))
    snapshot = ResultSnapshot.objects.get()
    assert said.split()[1] == str(snapshot.pk)
    run("verify_snapshot", str(snapshot.pk))
    return tmp_path


def exported(folder):
    with (folder / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        return {(row["city_code"], row["node_code"]): row for row in csv.DictReader(file)}


def test_commands_alone_give_the_scores_worked_by_hand(through_the_door):
    rows = exported(through_the_door)

    for city, total in EXPECTED.items():
        assert float(rows[city, "TOTAL"]["final_score"]) == pytest.approx(total, abs=1e-9)
    assert [rows[city, "TOTAL"]["rank"] for city in EXPECTED] == ["1", "3", "2"]
    assert rows["east", "K.1"]["state"] == "not_applicable"


def test_the_pages_show_the_same(client, through_the_door):
    rows = exported(through_the_door)
    snapshot = ResultSnapshot.objects.get()
    make.published(snapshot=snapshot.round.snapshots.first(), by=make.user("administrator"))

    for city in EXPECTED:
        total = float(rows[city, "TOTAL"]["final_score"])
        page = client.get(reverse("results:city", args=["OWN-1", city])).text
        why = client.get(reverse("results:why", args=["OWN-1", city, "TOTAL"])).text
        formula = re.search(r'id="formula">([^<]+)<', why).group(1)
        assert f">{total:.1f}</a>" in page
        assert float(re.findall(r"[\d.]+", formula)[-1]) == pytest.approx(total, abs=1e-4)


def test_the_workbook_tells_the_same_and_how_it_came_about(through_the_door):
    book = openpyxl.load_workbook(through_the_door / "out.xlsx", read_only=True, data_only=True)
    rows = exported(through_the_door)

    derivations = {(row[0], row[2]): row for row in book["推导"].values}

    assert derivations["south", "K"][5] == "exp(0.5 × ln 50 + 0.5 × ln 36) = 42.4264"
    assert "本轮 3 个城市最小 -6、最大 -2（逆向指标取 −x）" in derivations["east", "W.1"][5]
    assert derivations["east", "K"][5] == "exp(1 × ln 49) = 49"
    for (city, node), row in rows.items():
        stored = derivations[city, node][4]
        assert ("" if stored is None else repr(float(stored))) == row["final_score"] or (
            float(stored) == pytest.approx(float(row["final_score"]), abs=1e-12)
        )
