"""Grades of a round: declared before the review, part of the result, and shown wherever totals are."""

import io

import openpyxl
import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.models import AuditEntry
from cities.actions import ActionRefused, open_round
from cities.models import Round
from scoring import snapshots
from scoring.actions import steering
from scoring.actions.compute import compute_round
from scoring.exporters import write_results_workbook
from scoring.models import ResultSnapshot
from scoring.results import load_results
from tests import make
from tests.office import recalculate
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture
from tests.scoring.test_verify import lines

pytestmark = pytest.mark.django_db
# ruff: noqa: F811 — a fixture of another file
FOUR = "90:优秀|80:良好|60:合格|0:待改进"
#: 甲 has 69.5, 乙 40, 丙 has handed in nothing
LINES = "69.5:优秀|60:良好|40.1:合格|0:待改进"


@pytest.fixture
def administrator():
    return make.user("administrator")


@pytest.fixture
def graded(worked):
    Round.objects.filter(pk=worked.pk).update(grade_bands=LINES)
    worked.refresh_from_db()
    return worked


def test_a_round_declares_its_grades(administrator):
    framework = make.framework(rank_decimals=1)

    made = open_round(
        code="G-1", framework=framework, year=2026, by=administrator, grade_bands=" ９０：优秀｜60.50:合格"
    )

    assert made.grade_bands == "90:优秀|60.5:合格"
    assert (
        AuditEntry.objects.get(action="open_round", target="G-1").detail["grade_bands"] == "90:优秀|60.5:合格"
    )
    assert open_round(code="G-2", framework=framework, year=2026, by=administrator).grade_bands == ""


@pytest.mark.parametrize(
    ("bands", "words"),
    [("60:合格|90:优秀", "从高到低"), ("90.05:优秀", "最多 1 位小数"), ("优秀", "“分数:等级”的形式")],
)
def test_grades_that_cannot_be_read_open_no_round(administrator, bands, words):
    with pytest.raises(ActionRefused, match=words):
        open_round(
            code="G-1",
            framework=make.framework(rank_decimals=1),
            year=2026,
            by=administrator,
            grade_bands=bands,
        )
    assert not Round.objects.filter(code="G-1").exists()


def test_the_forms_take_them_and_keep_what_was_typed(client, administrator):
    client.force_login(administrator)
    framework = make.framework()
    typed = {
        "code": "G-3", "name": "第三轮", "framework": framework.pk, "year": 2026, "panel": "mean",
        "unreviewed": "block", "grade_bands": "60:合格|90:优秀",
    }  # fmt: skip

    refused = client.post("/manage/rounds/new/", typed)

    assert refused.status_code == 422
    assert "从高到低排列：90 应小于前一档的 60" in refused.text
    assert 'value="60:合格|90:优秀"' in refused.text
    assert client.post("/manage/rounds/new/", typed | {"grade_bands": FOUR}).status_code == 302
    assert Round.objects.get(code="G-3").grade_bands == FOUR


def test_the_command_takes_them():
    framework = make.framework()

    call_command("open_round", "G-4", "--framework", framework.code, "--year", "2026", "--grades", FOUR)

    assert Round.objects.get(code="G-4").grade_bands == FOUR


def test_they_may_change_until_the_first_mark(client, administrator):
    client.force_login(administrator)
    submission = make.handed_in()
    round_ = submission.round
    address = f"/manage/rounds/{round_.code}/settings/"
    rules = {"panel": "mean", "divergence_points": 20, "divergence_levels": 2, "change_threshold": 50}

    assert client.post(address, rules | {"grade_bands": "90:优秀"}).status_code == 302
    assert client.post(address, rules | {"grade_bands": "无"}).status_code == 422
    round_.refresh_from_db()
    assert round_.grade_bands == "90:优秀"
    assert AuditEntry.objects.get(action="set_round_rules").detail["after"]["grade_bands"] == "90:优秀"

    task = make.assignment(submission)
    make.mark(task, "A1")
    client.post(address, rules | {"grade_bands": "50:优秀"})
    round_.refresh_from_db()
    assert round_.grade_bands == "90:优秀"
    with pytest.raises(ActionRefused, match="等级划分不能再修改"):
        steering.set_rules(round_=round_, rules={"grade_bands": "50:优秀"}, by=administrator)


def test_they_are_part_of_the_digest(worked):
    """Without grades the method is what it always was; with them the digest is another one."""
    plain = compute_round(round=worked, by=None, draws=0)
    Round.objects.filter(pk=worked.pk).update(grade_bands=FOUR)
    worked.refresh_from_db()
    graded = compute_round(round=worked, by=None, draws=0)

    assert "grade_bands" not in plain.method["rules"]
    assert graded.method["rules"]["grade_bands"] == FOUR
    assert plain.digest != graded.digest
    assert lines(graded) == []
    assert snapshots.read_inputs(graded).grade_bands == FOUR


def test_grades_that_were_changed_later_are_named(graded):
    snapshot = compute_round(round=graded, by=None, draws=0)

    Round.objects.filter(pk=graded.pk).update(grade_bands="39:优秀")
    assert lines(snapshot) == [f"规则 等级划分：快照为 {LINES}，现为 39:优秀"]

    Round.objects.filter(pk=graded.pk).update(grade_bands=LINES)
    method = {**snapshot.method, "rules": {**snapshot.method["rules"], "grade_bands": "39:优秀"}}
    ResultSnapshot.objects.filter(pk=snapshot.pk).update(method=method)
    (found,) = lines(snapshot)
    assert found.startswith("方法记录 rules：快照为 ")


def test_pages_show_the_grade_of_their_snapshot(client, graded, administrator):
    client.force_login(administrator)
    compute_round(round=graded, by=None, draws=0)
    Round.objects.filter(pk=graded.pk).update(grade_bands="1:甲等")

    overview = client.get(reverse("results:overview", args=[graded.code])).text
    method = client.get(reverse("results:method", args=[graded.code])).text
    cities = [
        client.get(reverse("results:city", args=[graded.code, code])).text for code in ("110000", "120000")
    ]

    assert "<td>优秀</td>" in overview
    assert "<td>待改进</td>" in overview
    assert "优秀：69.5 分及以上；良好：60 分及以上、不足 69.5 分" in method
    assert [("优秀" in text, "待改进" in text) for text in cities] == [(True, False), (False, True)]
    assert "甲等" not in overview + method + cities[0]


def test_pages_of_a_round_without_grades_have_no_place_for_them(client, worked, administrator):
    client.force_login(administrator)
    compute_round(round=worked, by=None, draws=0)

    for name, more in (("overview", []), ("method", []), ("city", ["110000"])):
        page = client.get(reverse(f"results:{name}", args=[worked.code, *more])).text
        assert "等级划分" not in page
        assert "等级</th>" not in page
        assert "<dt>等级</dt>" not in page


def _summary(workbook):
    head, *rows = workbook["汇总"].iter_rows(values_only=True)
    column = head.index("等级 (grade)")
    return {row[1]: row[column] for row in rows if row[1]}


def test_the_workbook_has_them_as_live_formulas(graded, tmp_path):
    results = load_results(compute_round(round=graded, by=None, draws=0))
    target = tmp_path / "results.xlsx"
    with target.open("wb") as file:
        write_results_workbook(results, file)

    expected = {"甲市": "优秀", "乙市": "待改进", "丙市": None}
    cached = _summary(openpyxl.load_workbook(target, data_only=True))
    assert {name: grade or None for name, grade in cached.items()} == expected
    live = _summary(openpyxl.load_workbook(target))
    assert all(text.startswith("=IF(ISNUMBER(") for text in live.values())
    again = _summary(openpyxl.load_workbook(recalculate(target, tmp_path / "again"), data_only=True))
    assert {name: grade or None for name, grade in again.items()} == expected


def test_the_workbook_of_a_round_without_grades_has_no_such_column(worked):
    file = io.BytesIO()
    write_results_workbook(load_results(compute_round(round=worked, by=None, draws=0)), file)

    head = next(openpyxl.load_workbook(file)["汇总"].iter_rows(values_only=True))
    assert "等级 (grade)" not in head
