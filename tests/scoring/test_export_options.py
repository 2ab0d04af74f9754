"""The export page: what is chosen is what the file holds; the choice stands in the address; the back office agrees."""

import csv
import io
import json
import zipfile

import openpyxl
import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from scoring.actions.compute import compute_round
from scoring.exporters import CSV_COLUMNS, SHEETS, Contents
from scoring.exports.dictionary import LONG_TABLE
from scoring.models import DocumentJob, Mark, NodeScore
from tests import make
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client):
    found = make.user("administrator")
    client.force_login(found)
    return found


@pytest.fixture
def snapshot(worked):  # noqa: F811
    return compute_round(round=worked, by=None, draws=20)


def address(query=""):
    return "/results/R-2025/export/" + (f"?{query}" if query else "")


def content(response):
    assert response.status_code == 200, response.status_code
    return b"".join(response.streaming_content)


def book(client, query):
    return openpyxl.load_workbook(io.BytesIO(content(client.get(address(f"format=xlsx&{query}")))))


def table(client, query=""):
    text = content(client.get(address(f"format=csv&{query}"))).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_page_offers_everything_and_writes_nothing(client, administrator, snapshot):
    page = client.get(address())

    assert page.status_code == 200
    text = page.content.decode()
    for words in (
        "Excel 工作簿",
        "CSV 长表",
        "JSON",
        "ZIP",
        "同类城市",
        "评审意见",
        "佐证材料目录",
        "数据字典",
    ):
        assert words in text
    assert not AuditEntry.objects.filter(action="export_results").exists()


def test_the_choice_is_kept_in_the_address(client, administrator, snapshot):
    query = "format=csv&scope=chosen&c=110000&nodes=dimensions&part=self&derivations=none"

    page = client.get(address(f"{query}&show=1"))

    assert page.context["kept"] == query
    form = page.context["form"]
    assert (form["scope"].value(), form["c"].value(), form["part"].value()) == (
        "chosen",
        ["110000"],
        ["self"],
    )


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("format=csv&scope=chosen", "请至少选择一个城市"),
        ("format=csv&scope=peers&level=municipality", "没有符合这些条件的城市"),
        ("format=xlsx&scope=chosen&c=nowhere", "nowhere"),
    ],
)
def test_a_choice_of_nothing_is_said_in_words(client, administrator, snapshot, query, words):
    page = client.get(address(query))

    assert page.status_code == 422
    assert words in page.content.decode()


@pytest.mark.parametrize("query", ["format=exe", "snapshot=999", "snapshot=x", "snapshot=-1"])
def test_what_is_not_there_is_not_found(client, administrator, snapshot, query):
    assert client.get(address(query)).status_code == 404


def test_chosen_cities_keep_their_ranks_among_all(client, administrator, snapshot):
    rows = table(client, "scope=chosen&c=120000")
    sheets = book(client, "scope=chosen&c=120000")

    assert {row["city_code"] for row in rows} == {"120000"}
    stored = NodeScore.objects.get(snapshot=snapshot, submission__city__code="120000", node_code="TOTAL")
    assert next(row for row in rows if row["node_code"] == "TOTAL")["rank"] == str(stored.rank)
    assert (sheets["汇总"]["A2"].value, sheets["得分"].max_row) == (stored.rank, 2)
    assert {row[0] for row in sheets["推导"].iter_rows(min_row=2, values_only=True)} == {"120000"}
    method = {row[0]: row[1:] for row in sheets["方法"].iter_rows(values_only=True)}
    assert method["本文件的城市"][0] == "1 / 3"


def test_peers_are_of_one_level_region_and_size(client, administrator, snapshot):
    city = snapshot.round.submissions.get(city__code="110000").city
    city.level, city.region, city.population = "municipality", "east", 2185
    city.save()

    rows = table(client, "scope=peers&level=municipality&size=super_large")

    assert {row["city_code"] for row in rows} == {"110000"}


def test_fewer_nodes_make_numbers_of_formulas_and_no_leaf_gets_out(client, administrator, snapshot):
    sheets = book(client, "nodes=totals")

    assert [cell.value for cell in sheets["得分"][1]] == ["城市代码 (city_code)", "城市 (city)", "TOTAL 总分"]
    assert isinstance(sheets["得分"]["C2"].value, float)
    assert {"指标得分", "推导", "城市图"}.isdisjoint(sheets.sheetnames)
    assert {row["node_code"] for row in table(client, "nodes=dimensions")} == {"TOTAL", "A", "B", "H"}


def test_parts_of_the_leaf_sheet(client, administrator, snapshot):
    sheets = book(client, "scope=all&part=final&derivations=none")

    assert [cell.value for cell in sheets["指标得分"][1]] == [
        "城市代码 (city_code)", "城市 (city)", "指标编号 (code)", "指标 (indicator)", "最终 (final)", "状态 (state)",
        "填报版本 (version)",
    ]  # fmt: skip
    assert {"佐证材料目录", "推导", "评审意见"}.isdisjoint(sheets.sheetnames)
    assert [cell.value for cell in sheets["指标得分"][2]][4:6] == [60, "已评"]


def test_reasons_come_by_seat_and_never_by_name(client, administrator, snapshot):
    mark = (
        Mark.objects.filter(status="done", assignment__status="finished").select_related("assignment").first()
    )
    Mark.objects.filter(pk=mark.pk).update(reason="=材料不足")
    reviewer = mark.assignment.reviewer
    reviewer.full_name = "张评审"
    reviewer.save()

    sheets = book(client, "scope=all&part=comments&part=final")
    usual = book(client, "")

    rows = list(sheets["评审意见"].iter_rows(values_only=True))
    line = next(row for row in rows if row[7] == "=材料不足")
    assert line[4] == f"R{mark.assignment.seat}"
    everything = "".join(
        str(cell) for sheet in sheets for row in sheet.iter_rows(values_only=True) for cell in row
    )
    assert "张评审" not in everything
    assert reviewer.username not in everything
    assert "评审意见" not in usual.sheetnames


def test_json_has_the_same_rows_as_the_csv_and_says_what_they_stand_on(client, administrator, snapshot):
    found = json.loads(content(client.get(address("format=json"))))
    rows = table(client)

    assert found["columns"] == list(CSV_COLUMNS)
    assert [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in found["rows"]
    ] == rows
    about = found["about"]
    assert about["snapshot"]["digest"] == snapshot.digest
    assert about["round"]["code"] == "R-2025"
    assert about["method"] == snapshot.method
    assert about["edition"]["provenance"] == "参考稿"


def test_the_zip_holds_all_of_it_with_a_dictionary(client, administrator, snapshot):
    archive = zipfile.ZipFile(
        io.BytesIO(content(client.get(address("format=zip&scope=chosen&c=110000&part=self"))))
    )

    assert sorted(archive.namelist()) == sorted(
        ["结果.xlsx", "结果.csv", "结果.json", "数据字典.csv", "数据字典.md"]
    )
    assert archive.testzip() is None
    rows = list(csv.DictReader(io.StringIO(archive.read("结果.csv").decode("utf-8-sig"))))
    assert {row["city_code"] for row in rows} == {"110000"}
    words = list(csv.reader(io.StringIO(archive.read("数据字典.csv").decode("utf-8-sig"))))
    assert [row[0] for row in words[1 : len(CSV_COLUMNS) + 1]] == list(CSV_COLUMNS)
    assert openpyxl.load_workbook(io.BytesIO(archive.read("结果.xlsx")))["数据字典"].max_row == len(words)


def test_the_dictionary_knows_every_column_of_the_long_table_and_every_state():
    from scoring.exports.dictionary import dictionary_rows

    assert [row[0] for row in LONG_TABLE] == list(CSV_COLUMNS)
    assert {f"state = {state}" for state in NodeScore.State.values} <= {row[0] for row in dictionary_rows()}
    assert {len(row) for row in dictionary_rows()} == {5}


def test_a_worker_writes_what_was_chosen(client, administrator, snapshot, settings, tmp_path):
    from scoring import document_jobs

    settings.MEDIA_ROOT = tmp_path

    answer = client.post(address("format=xlsx&scope=chosen&c=110000&part=final&derivations=none"))

    job = DocumentJob.objects.get()
    assert answer.headers["Location"] == reverse("reports:job", args=["R-2025", job.pk])
    assert Contents.from_options(job.options) == Contents(
        cities=frozenset({"110000"}), own=False, reviews=False, evidence=False, derivations=False
    )
    done = document_jobs.run_next()
    assert done.status == "done"
    made = openpyxl.load_workbook(next(tmp_path.rglob("*.xlsx")))
    assert made["得分"].max_row == 2
    client.post(address("format=xlsx"))
    client.post(address("format=xlsx&nodes=totals"))
    assert DocumentJob.objects.count() == 2


def test_only_administrators_export(client, worked):  # noqa: F811
    compute_round(round=worked, by=None, draws=0)
    found = {}
    for role in ("reviewer", "moderator", "administrator"):
        client.force_login(make.user(role))
        answers = [
            client.get(address()),
            client.get(address("format=zip")),
            client.post(address("format=xlsx&nodes=totals")),
        ]
        found[role] = [answer.status_code for answer in answers]
        if role == "administrator":
            content(answers[1])

    assert found == {"reviewer": [404] * 3, "moderator": [403] * 3, "administrator": [200, 200, 302]}


# --- back office ----------------------------------------------------------------------------------------------


def back_office(client, place):
    """Export all columns in the format at `place` of the list."""
    form = client.get(reverse("admin:scoring_nodescore_export")).context["form"]
    chosen = {name: "on" for name in form.fields if name not in ("format", "resource", "export_items")}
    return client.post(
        reverse("admin:scoring_nodescore_export"), {"format": str(place), "resource": "", **chosen}
    ).content


def test_the_back_office_gives_the_same_table_in_three_formats(client, administrator, snapshot):
    ours = content(client.get(address("format=csv")))
    rows = json.loads(content(client.get(address("format=json"))))["rows"]

    assert back_office(client, 1) == ours
    assert json.loads(back_office(client, 2)) == rows
    sheet = openpyxl.load_workbook(io.BytesIO(back_office(client, 0))).worksheets[0]
    assert [cell.value for cell in sheet[1]] == list(CSV_COLUMNS)
    assert sheet.max_row == len(rows) + 1
    assert AuditEntry.objects.filter(action="admin.export").count() == 3


def test_results_are_only_read_in_the_back_office(client, administrator, snapshot):
    row = NodeScore.objects.filter(snapshot=snapshot).first()

    assert client.get(reverse("admin:scoring_nodescore_changelist")).status_code == 200
    assert client.get(reverse("admin:scoring_resultsnapshot_changelist")).status_code == 200
    for name, pk in (("nodescore", row.pk), ("resultsnapshot", snapshot.pk)):
        assert client.get(reverse(f"admin:scoring_{name}_change", args=[pk])).status_code == 200
        assert (
            client.post(reverse(f"admin:scoring_{name}_change", args=[pk]), {"score": "1"}).status_code == 403
        )
        assert (
            client.post(reverse(f"admin:scoring_{name}_delete", args=[pk]), {"post": "yes"}).status_code
            == 403
        )
        assert client.get(reverse(f"admin:scoring_{name}_add")).status_code == 403
        assert client.get(f"/admin/scoring/{name}/import/").status_code in (302, 404)
    assert NodeScore.objects.get(pk=row.pk).score == row.score


@pytest.mark.parametrize("role", ["reviewer", "moderator", "city"])
def test_nobody_else_finds_the_back_office(client, snapshot, role):
    client.force_login(make.user(role))

    for name in ("nodescore_changelist", "nodescore_export", "resultsnapshot_changelist"):
        assert client.get(reverse(f"admin:scoring_{name}")).status_code == 404


def test_usual_sheets_of_an_untouched_address(client, administrator, snapshot):
    assert book(client, "").sheetnames == list(SHEETS)
