"""The results CSV and the results workbook, and the workbook's sums done again by LibreOffice."""

import csv
import io
import math
from io import BytesIO, StringIO

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry
from scoring.actions.compute import compute_round
from scoring.exporters import CSV_COLUMNS, SHEETS, write_results_csv, write_results_workbook
from scoring.models import NodeScore
from scoring.results import load_results
from tests import make, office
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db
GEOMETRIC = """
G - 0.6 - geometric
G1 G 1 quantity
G2 G 2 quantity
G3 G 0.5 quantity
H - 0.4 - harmonic
H1 H 1 quantity
H2 H 1 quantity
X H 4 bonus
Z - 0 -
Z1 Z 1 quantity
E - - -
E1 E 3 bonus
E2 E 5 bonus
"""


def workbook_of(snapshot, *, data_only=False):
    file = BytesIO()
    write_results_workbook(load_results(snapshot), file)
    file.seek(0)
    return openpyxl.load_workbook(file, data_only=data_only)


def csv_of(snapshot):
    file = BytesIO()
    write_results_csv(load_results(snapshot), file)
    return list(csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig"))))


def recalculated(snapshot, folder):
    """The workbook as LibreOffice computes it from a copy without cached values."""
    path = folder / "plain.xlsx"
    workbook_of(snapshot).save(path)
    return openpyxl.load_workbook(office.recalculate(path, folder / "out"), data_only=True)


def by_city(sheet, key):
    rows = sheet.iter_rows(values_only=True)
    header = next(rows)
    return {
        row[header.index(key)]: dict(zip(header, row, strict=True)) for row in rows if row[header.index(key)]
    }


WORDS = {
    "not_applicable": "不适用",
    "not_assessed": "—",
    "excluded": "不计入",
    "blank": "未填",
    "unavailable": "无法提供",
}


def assert_same_as_stored(book, snapshot):
    """Every node of every city, every rank, and the weights: as stored, to 1e-9."""
    scores, summary = (
        by_city(book["得分"], "城市代码 (city_code)"),
        by_city(book["汇总"], "城市代码 (city_code)"),
    )
    rows = list(NodeScore.objects.filter(snapshot=snapshot).select_related("submission__city"))
    assert rows
    for row in rows:
        city = row.submission.city.code
        heading = next(h for h in scores[city] if h.split(" ")[0] == row.node_code)
        found = scores[city][heading]
        if row.score is None:
            assert found == WORDS[row.state], (city, row.node_code)
        else:
            assert found == pytest.approx(row.score, abs=1e-9, rel=0), (city, row.node_code)
        if row.node_code == "TOTAL":
            assert summary[city]["名次 (rank)"] == (row.rank or "—"), city
            assert summary[city]["总分 (total)"] == (
                WORDS[row.state] if row.score is None else pytest.approx(row.score, abs=1e-9, rel=0)
            )
            assert summary[city]["名次区间下限 (rank_low)"] == row.rank_low
    assert book["校验"]["B5"].value == pytest.approx(0, abs=1e-9)


# --- CSV ------------------------------------------------------------------------------------------------------


def test_csv_has_the_documented_columns_in_full_precision(worked):  # noqa: F811
    snapshot = compute_round(round=worked, by=None)

    rows = csv_of(snapshot)

    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == 3 * 8
    stored = {
        (row.submission.city.code, row.node_code): row
        for row in NodeScore.objects.filter(snapshot=snapshot).select_related("submission__city")
    }
    for row in rows:
        node = stored[row["city_code"], row["node_code"]]
        for column, value in [
            ("self_score", node.self_score), ("final_score", node.score), ("points", node.points),
            ("points_lost", node.points_lost), ("rank", node.rank), ("rank_low", node.rank_low),
            ("rank_high", node.rank_high), ("state", node.state),
        ]:  # fmt: skip
            assert row[column] == ("" if value is None else value if column == "state" else repr(value))
    assert list(rows[0].values())[:7] == ["R-2025", "110000", "甲市", "TOTAL", "总分", "0", "1.0"]
    assert (rows[2]["node_code"], rows[2]["depth"], rows[2]["global_weight"]) == ("A1", "2", "0.3")
    assert (rows[6]["node_code"], rows[6]["global_weight"]) == ("H", "")
    assert [row["rank"] for row in rows if row["node_code"] == "A1"] == ["1", "2", ""]


def test_csv_text_is_never_a_formula():
    round_ = make.round_(make.tree("D - 1 quantity", name_zh="=体系"), code="-r", unreviewed="stand")
    make.filled_in(round_, make.city(code="@x", name_zh='=HYPERLINK("http://x")'), {"D": 1})

    row = csv_of(compute_round(round=round_, by=None, draws=0))[0]

    assert (row["round"], row["city_code"], row["city"]) == ("'-r", "'@x", '\'=HYPERLINK("http://x")')


# --- workbook -------------------------------------------------------------------------------------------------


def test_workbook_sheets_cached_values_and_formulas(worked):  # noqa: F811
    snapshot = compute_round(round=worked, by=None)

    book, formulas = workbook_of(snapshot, data_only=True), workbook_of(snapshot)

    assert tuple(book.sheetnames) == SHEETS
    assert_same_as_stored(book, snapshot)
    header = [cell.value for cell in book["得分"][1]]
    assert header == [
        "城市代码 (city_code)", "城市 (city)", "TOTAL 总分", "A 指标A", "B 指标B", "H 指标H", "A1 指标A1", "A2 指标A2",
        "B1 指标B1", "H1 指标H1",
    ]  # fmt: skip
    row = [cell.value for cell in formulas["得分"][2]]
    assert [str(value).startswith("=") for value in row[2:]] == [
        True,
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert row[6:] == [60, 85, 60, 2]
    assert "SUMPRODUCT(G2:H2,权重!$R$2:$S$2)" in row[3]
    third = [cell.value for cell in book["得分"][4]]
    assert third[2:] == ["—"] * 8
    leaves = by_city(book["指标得分"], "城市代码 (city_code)")
    assert set(leaves["110000"]) >= {
        "自评 (self)",
        "评审 R1 (R1)",
        "评审 R2 (R2)",
        "最终 (final)",
        "状态 (state)",
    }
    line = [cell.value for cell in book["指标得分"][2]]
    assert line[:9] == ["110000", "甲市", "A1", "指标A1", 80, 80, 40, 60, "已评"]
    weights = by_city(book["权重"], "编号 (code)")
    assert weights["A1"]["同级权重 (weight)"] == 0.5
    assert weights["A1"]["全局权重 (global_weight)"] == 0.3
    assert weights["A1"]["声明的分值 (declared_points)"] == 30
    assert weights["H1"]["分值 (points)"] == 5
    method = {row[0]: row[1] for row in book["方法"].iter_rows(values_only=True)}
    assert method["体系说明"] == "参考稿"
    assert method["摘要 SHA-256"] == snapshot.digest
    assert book["校验"]["B2"].value == snapshot.digest
    assert book["得分"].freeze_panes == "D2"


def test_demo_and_provenance_are_said(worked):  # noqa: F811
    worked.is_demo = True
    worked.save()

    book = workbook_of(compute_round(round=worked, by=None, draws=0), data_only=True)

    assert by_city(book["汇总"], "城市 (city)")["甲市"]["数据说明"] == "演示数据；参考稿"
    method = {row[0]: row[1] for row in book["方法"].iter_rows(values_only=True)}
    assert method["数据性质"] == "演示数据"
    assert book.properties.description == "演示数据；参考稿"
    assert "演示数据" in book.properties.keywords


def test_evidence_is_listed(worked):  # noqa: F811
    from cities.models import Evidence, EvidenceFile

    submission = worked.submissions.get(city__code="110000")
    file = EvidenceFile.objects.create(sha256="a" * 64, size=5, content_type="application/pdf")
    indicator = worked.framework.indicators.get(code="A1")
    Evidence.objects.create(
        submission=submission,
        indicator=indicator,
        sequence=1,
        file=file,
        filename="=cmd|'/c'.pdf",
        locator="第3页",
    )

    sheet = workbook_of(compute_round(round=worked, by=None, draws=0))["佐证材料目录"]

    line = [cell.value for cell in sheet[2]]
    assert line == ["110000", "甲市", "A1", "A1-01", "=cmd|'/c'.pdf", "第3页", 5, "a" * 64]
    assert sheet["E2"].data_type == "s"


def test_text_stays_text_in_the_workbook():
    framework = make.tree("D - 1 quantity", name_zh="=1+1", provenance="+x")
    round_ = make.round_(framework, unreviewed="stand", name="@轮次")
    make.filled_in(round_, make.city(code="=1+1", name_zh="-甲\x08\x01市<r>"), {"D": 1})
    make.filled_in(round_, make.city(code="http://x", name_zh="<r>乙</r>"), {"D": 2})

    book = workbook_of(compute_round(round=round_, by=None, draws=0))

    sheet = book["得分"]
    assert (sheet["A2"].value, sheet["A2"].data_type, sheet["B2"].value) == ("=1+1", "s", "-甲市<r>")
    assert (sheet["A3"].value, sheet["A3"].hyperlink, sheet["B3"].value.strip()) == (
        "http://x",
        None,
        "<r>乙</r>",
    )


@pytest.mark.office
def test_office_finds_the_same_sums(worked, tmp_path):  # noqa: F811
    snapshot = compute_round(round=worked, by=None)

    assert_same_as_stored(recalculated(snapshot, tmp_path), snapshot)


@pytest.mark.office
@pytest.mark.parametrize("missing", ["zero", "exclude"])
@pytest.mark.parametrize("minimum_share", [None, 2 / 3])
def test_office_agrees_on_gaps_bent_means_bonus_and_ties(missing, minimum_share, tmp_path):
    framework = make.tree(
        GEOMETRIC,
        minimum_share=minimum_share,
        floor=2.5,
        bonus_cap=6,
        rank_decimals=1,
        aggregation="geometric",
    )
    round_ = make.round_(framework, missing=missing, unreviewed="stand")
    full = {"G1": 37.3, "G2": 81.9, "G3": 64, "H1": 55, "H2": 71.7, "Z1": 12, "X": 1, "E1": 2, "E2": 2.5}
    cases = [
        full,
        full | {"E2": 5, "X": 4},  # above the cap
        full | {"G1": 0, "H1": 0},  # raised to the floor
        full | {"G3": None, "H2": "unavailable"},
        full
        | {"G1": "not_applicable", "G2": "not_applicable", "G3": "not_applicable"},  # a node does not apply
        full | {"G1": None, "G2": None},
        full | {"E1": "not_applicable", "E2": None, "X": "unavailable"},
        {"Z1": 50},  # nothing but what weighs nothing
        full | {"H1": 55.00000001},  # a tie after rounding
        dict.fromkeys(full, "not_applicable"),
    ]
    for answers in cases:
        make.filled_in(round_, make.city(), answers)
    make.filled_in(round_, make.city(), full, hand_in=False)
    snapshot = compute_round(round=round_, by=None, draws=20)

    assert_same_as_stored(workbook_of(snapshot, data_only=True), snapshot)
    assert_same_as_stored(recalculated(snapshot, tmp_path), snapshot)
    ranks = [
        row.rank
        for row in NodeScore.objects.filter(snapshot=snapshot, node_code="TOTAL").order_by("submission__city")
    ]
    assert ranks[0] == ranks[8]


@pytest.mark.office
@pytest.mark.parametrize("aggregation", ["geometric", "harmonic"])
def test_office_agrees_on_a_group_too_large_for_one_formula(aggregation, tmp_path):
    leaves = [f"L{number}" for number in range(120)]
    framework = make.tree(
        "\n".join(f"{code} - {1 + place % 3} quantity" for place, code in enumerate(leaves)),
        aggregation=aggregation,
    )
    round_ = make.round_(framework, missing="exclude", unreviewed="stand")
    make.filled_in(
        round_, make.city(), {code: (place * 37) % 101 for place, code in enumerate(leaves) if place % 7}
    )
    snapshot = compute_round(round=round_, by=None, draws=0)

    assert_same_as_stored(recalculated(snapshot, tmp_path), snapshot)


def test_the_formulas_read_the_weights_cells(worked):  # noqa: F811
    book = workbook_of(compute_round(round=worked, by=None, draws=0))

    across = {cell.value: book["权重"].cell(2, cell.column).value for cell in book["权重"][1][13:]}

    assert across == {
        "TOTAL": "=F2", "A": "=F3", "B": "=F6", "H": None, "A1": "=F4", "A2": "=F5", "B1": "=F7", "H1": None,
    }  # fmt: skip


# --- command --------------------------------------------------------------------------------------------------


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_export_command_writes_both_forms_of_the_newest_snapshot(worked, tmp_path):  # noqa: F811
    first = compute_round(round=worked, by=None, draws=0)
    compute_round(round=worked, by=None, draws=10, reason="加模拟")

    assert "3 个城市，8 个节点" in run("export_results", "R-2025", str(tmp_path / "out.xlsx"))
    run("export_results", "R-2025", str(tmp_path / "out.csv"))
    run("export_results", "R-2025", str(tmp_path / "first.csv"), "--snapshot", str(first.pk))

    assert openpyxl.load_workbook(tmp_path / "out.xlsx").sheetnames == list(SHEETS)
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfround,city_code")
    texts = [(tmp_path / name).read_text(encoding="utf-8-sig") for name in ("out.csv", "first.csv")]
    assert [next(csv.DictReader(io.StringIO(text)))["rank_low"] for text in texts] == ["1", ""]
    assert AuditEntry.objects.filter(action="export_results").count() == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.csv", "out.csv", "out.xlsx"]


def test_export_command_complains_in_one_line(worked, tmp_path):  # noqa: F811
    for arguments, words in [
        (["nowhere", "x.csv"], "没有代码为“nowhere”的轮次"),
        (["R-2025", "x.csv"], "结果尚未计算"),
        (["R-2025", "x.ods"], "格式不受支持"),
    ]:
        with pytest.raises(CommandError, match=words):
            run("export_results", *arguments)
    compute_round(round=worked, by=None, draws=0)
    with pytest.raises(CommandError, match="没有编号为 9999 的快照"):
        run("export_results", "R-2025", "x.csv", "--snapshot", "9999")
    with pytest.raises(CommandError, match="无法导出"):
        run("export_results", "R-2025", str(tmp_path / "no" / "x.csv"))


def test_a_snapshot_with_missing_rows_is_not_exported(worked):  # noqa: F811
    from scoring.results import DamagedResultsError

    snapshot = compute_round(round=worked, by=None, draws=0)
    snapshot.node_scores.first().delete()

    with pytest.raises(DamagedResultsError, match="请先核验快照"):
        load_results(snapshot)


def test_points_of_an_arithmetic_tree_add_up(worked):  # noqa: F811
    rows = csv_of(compute_round(round=worked, by=None, draws=0))

    leaves = [row for row in rows if row["city_code"] == "110000" and row["node_code"] in ("A1", "A2", "B1")]
    total = next(row for row in rows if row["node_code"] == "TOTAL")
    assert math.fsum(float(row["points"]) for row in leaves) == pytest.approx(
        float(total["points"]), abs=1e-9
    )
    assert float(total["points"]) + float(total["points_lost"]) == pytest.approx(100, abs=1e-9)
    assert float(total["final_score"]) == pytest.approx(float(total["points"]) + 2, abs=1e-9)
