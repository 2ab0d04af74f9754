"""Published cases, from the workbook to the stored snapshot and the exported file, through the operator's commands.

The engine alone is held against them in `engine/`; here every door on the way is.
"""

import csv
import io
from pathlib import Path

import openpyxl
import pytest
from django.core.management import call_command

REFERENCE = Path(__file__).parent.parent / "reference"
INDEX = "TOTAL"

pytestmark = pytest.mark.django_db


def read(*path: str) -> list[dict[str, str]]:
    with open(REFERENCE.joinpath(*path), encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float | None:
    return float(text) if text else None


@pytest.fixture
def door(tmp_path):
    """An analyst at the command line, with a folder for workbooks."""
    return Door(tmp_path)


class Door:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *args: str) -> str:
        out = io.StringIO()
        call_command(*args, stdout=out)
        return out.getvalue()

    def workbook(self, **sheets: list[list]) -> str:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        path = self.folder / "input.xlsx"
        book.save(path)
        return str(path)

    def scored(self, code: str, framework: str, answers: list[list]) -> dict[tuple[str, str], dict[str, str]]:
        """Answers to the exported CSV, by (city, node); the snapshot verifies."""
        self.run("open_round", code, "--framework", framework, "--year", "2022", "--unreviewed", "stand")
        self.run("import_answers", code, self.workbook(填报=answers), "--submit")
        snapshot = self.run("compute_scores", code).split()[1]
        self.run("verify_snapshot", snapshot)
        path = self.folder / f"{code}.csv"
        self.run("export_results", code, str(path))
        with open(path, encoding="utf-8-sig", newline="") as file:
            return {(row["city_code"], row["node_code"]): row for row in csv.DictReader(file)}


def test_hdi_2022_comes_out_as_undp_published_it(door):
    """204 of 204 values at three decimals with the aggregates; 193 of 193 ranks among the countries alone."""
    rows = read("hdi_2022", "hdi_2022.csv")
    nodes = [
        ["编号", "上级编号", "名称", "权重", "类型", "评分曲线", "汇总方式"],
        ["HEALTH", None, "健康", 1, None, None, None],
        ["LE", "HEALTH", "预期寿命", 1, "quantity", "20:0|85:100", None],
        ["EDU", None, "教育", 1, None, None, "arithmetic"],
        ["EYS", "EDU", "预期受教育年限", 1, "quantity", "0:0|18:100", None],
        ["MYS", "EDU", "平均受教育年限", 1, "quantity", "0:0|15:100", None],
        ["INC", None, "收入", 1, None, None, None],
        ["GNI", "INC", "人均国民总收入", 1, "quantity", "log;100:0|75000:100", None],
    ]
    about = [["代码", "hdi"], ["名称", "人类发展指数"], ["版本", "2022"], ["汇总方式", "geometric"],
             ["缺失处理", "exclude"], ["最低数据占比", 1], ["几何下限", 1e-6], ["排名小数位", 1]]  # fmt: skip
    door.run("import_framework", door.workbook(指标体系=nodes, 说明=about), "--publish")
    door.run(
        "import_cities", door.workbook(城市=[["code", "name_zh"], *([r["iso3"], r["country"]] for r in rows)])
    )

    def answers(chosen: list[dict[str, str]]) -> list[list]:
        columns = (
            "life_expectancy",
            "expected_years_schooling",
            "mean_years_schooling",
            "gni_per_capita_ppp2017",
        )
        return [["code", "LE", "EYS", "MYS", "GNI"]] + [
            [r["iso3"], *(number(r[c]) for c in columns)] for r in chosen
        ]

    everybody = door.scored("hdi-all", "hdi", answers(rows))
    published = {row["iso3"]: row["hdi_published"] for row in rows}
    ours = {city: row["final_score"] for (city, node), row in everybody.items() if node == INDEX}
    assert len(ours) == 206
    rounded = {city: round(float(score) / 100, 3) if score else None for city, score in ours.items()}
    assert rounded == {city: number(value) for city, value in published.items()}
    assert sum(bool(value) for value in published.values()) == 204

    countries = [row for row in rows if row["is_aggregate"] == "0"]
    ranked = door.scored("hdi-countries", "hdi", answers(countries))
    ranks = {row["iso3"]: row["hdi_rank_published"] for row in countries}
    assert {city: row["rank"] for (city, node), row in ranked.items() if node == INDEX} == ranks
    assert (len(ranks), sum(bool(rank) for rank in ranks.values())) == (195, 193)


ASEM = [
    ("iData.csv", "package", None, "raw_amean_package__scores.csv", None),
    ("iData.csv", "custom", None, "raw_amean_custom__scores.csv", "raw_amean_custom__ranks.csv"),
    ("iData_sparse.csv", "custom", None, "sparse_amean_custom__scores.csv", None),
    ("iData_sparse.csv", "custom", 2 / 3, "sparse_amean_custom_thr067__scores.csv", None),
]


@pytest.mark.parametrize(("data", "weights", "share", "scores", "ranks"), ASEM)
def test_asem_comes_out_as_coinr_computes_it(door, data, weights, share, scores, ranks):
    meta = [row for row in read("asem", "iMeta.csv") if row["Level"] in ("1", "2", "3")]
    custom = {row["iCode"]: row["Weight"] for row in read("asem", "weights_custom.csv")}
    nodes = [["编号 (code)", "上级编号 (parent)", "名称 (name_zh)", "权重 (weight)", "类型 (kind)",
              "归一化 (normalise)", "方向 (direction)"]]  # fmt: skip
    for row in meta:  # leaves first, as the file has them: rows may come in any order
        leaf = row["Level"] == "1"
        weight = float(custom[row["iCode"]] if weights == "custom" else row["Weight"])
        parent = None if row["Parent"] == "Index" else row["Parent"]
        nodes.append([row["iCode"], parent, row["iName"], weight, "quantity" if leaf else None,
                      "minmax" if leaf else None, int(row["Direction"]) if leaf else None])  # fmt: skip
    about = [["代码", "asem"], ["名称", "ASEM"], ["缺失处理", "exclude"], ["最低数据占比", share]]
    door.run("import_framework", door.workbook(指标体系=nodes, 说明=about), "--publish")
    rows = read("asem", data)
    leaves = [row["iCode"] for row in meta if row["Level"] == "1"]
    door.run(
        "import_cities", door.workbook(城市=[["code", "name_zh"], *([r["uCode"], r["uCode"]] for r in rows)])
    )
    answers = [["code", *leaves]] + [[row["uCode"], *(number(row[leaf]) for leaf in leaves)] for row in rows]
    ours = door.scored("asem-round", "asem", answers)

    name = {"Index": INDEX}
    compared = 0
    for row in read("asem", scores):
        for node, expected in list(row.items())[1:]:
            cell = ours[row["uCode"], name.get(node, node)]["final_score"]
            if expected in ("", "NA"):
                assert cell == "", (row["uCode"], node)
            else:
                assert float(cell) == pytest.approx(float(expected), abs=1e-9), (row["uCode"], node)
                compared += 1
    assert compared > 300
    for row in read("asem", ranks) if ranks else []:
        for node, expected in list(row.items())[1:]:
            assert ours[row["uCode"], name.get(node, node)]["rank"] == expected


# Goalposts of UNDP, Human Development Report 2001, technical note 2; weights of the Handbook's table 22.
TAI = {
    "patents": ("CREATION", "0:0|994:100", 0.11),
    "royalties": ("CREATION", "0:0|272.6:100", 0.11),
    "internet": ("RECENT", "0:0|232.4:100", 0.11),
    "exports": ("RECENT", "0:0|80.8:100", 0.18),
    "telephones": ("OLD", "0:0|2.954724790979063:100", 0.10),  # log10 of 1 and 901
    "electricity": ("OLD", "1.3424226808222062:0|3.843170464519898:100", 0.06),  # log10 of 22 and 6,969
    "schooling": ("SKILLS", "0.8:0|12:100", 0.15),
    "university": ("SKILLS", "0.1:0|27.4:100", 0.18),
}


@pytest.mark.parametrize(("weights", "published"), [("equal", "rank_equal"), ("budget", "rank_budget")])
def test_the_technology_achievement_index_ranks_as_in_the_oecd_handbook(door, weights, published):
    rows = read("tai", "tai.csv")
    nodes = [["编号", "上级编号", "名称", "权重", "类型", "评分曲线"]]
    for group in dict.fromkeys(group for group, _, _ in TAI.values()):
        inside = [share for one, _, share in TAI.values() if one == group]
        nodes.append([group, None, group, 1 if weights == "equal" else round(sum(inside), 2), None, None])
    for code, (group, curve, share) in TAI.items():
        nodes.append([code, group, code, 1 if weights == "equal" else share, "quantity", curve])
    door.run(
        "import_framework",
        door.workbook(指标体系=nodes, 说明=[["代码", "tai"], ["名称", "TAI"]]),
        "--publish",
    )
    door.run(
        "import_cities", door.workbook(城市=[["code", "name_zh"], *([r["code"], r["country"]] for r in rows)])
    )
    answers = [["code", *TAI]] + [[row["code"], *(number(row[leaf]) for leaf in TAI)] for row in rows]
    ours = door.scored("tai-round", "tai", answers)
    ranks = {city: row["rank"] for (city, node), row in ours.items() if node == INDEX}
    assert ranks == {row["code"]: row[published] for row in rows}
    if weights == "equal":  # HDR 2001, table A2.1: 0.733 and 0.553
        score = {row["country"]: float(ours[row["code"], INDEX]["final_score"]) for row in rows}
        assert score["United States"] == pytest.approx(73.3, abs=0.05)
        assert score["Belgium"] == pytest.approx(55.3, abs=0.05)


@pytest.mark.parametrize(("rule", "column"), [("zscore", "schooling_zscore"), ("minmax", "schooling_minmax")])
def test_a_column_is_normalised_as_in_the_oecd_handbook(door, rule, column):
    """Table 15 prints two decimals; ours are 50 + 10 z, and 100 times the min–max value."""
    rows = read("tai", "tai.csv")
    nodes = [["编号", "名称", "权重", "类型", "归一化"], ["S", "受教育年限", 1, "quantity", rule]]
    door.run(
        "import_framework",
        door.workbook(指标体系=nodes, 说明=[["代码", "tai"], ["名称", "TAI"]]),
        "--publish",
    )
    door.run(
        "import_cities", door.workbook(城市=[["code", "name_zh"], *([r["code"], r["country"]] for r in rows)])
    )
    ours = door.scored(
        "tai-column", "tai", [["code", "S"]] + [[r["code"], number(r["schooling"])] for r in rows]
    )
    for row in rows:
        score = float(ours[row["code"], "S"]["final_score"])
        normal = (score - 50) / 10 if rule == "zscore" else score / 100
        assert normal == pytest.approx(float(row[column]), abs=0.005 + 1e-9), row["country"]
