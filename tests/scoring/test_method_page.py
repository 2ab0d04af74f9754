"""The method page, and that what it offers is enough to compute the result again."""

import csv
import hashlib
import io
import re

import pytest
from django.core.management import call_command

from cities.answers import Content
from indicators.importers import read_framework
from scoring.actions.compute import compute_round
from scoring.actions.moderation import rule
from tests import make

pytestmark = pytest.mark.django_db
VALUE = "value"


@pytest.fixture
def in_round():
    made = make.round_(is_demo=True)
    for name, value in (("甲市", "40"), ("乙市", "90"), ("丙市", "70")):
        make.confirmed(
            make.handed_in(make.city(name_zh=name), made, contents={"A1": Content(VALUE, value_text=value)}),
            2,
        )
    make.submission(make.city(name_zh="丁市"), made)
    return made


def publish(in_round, draws=30, **options):
    snapshot = compute_round(round=in_round, by=None, draws=draws)
    make.published(snapshot=snapshot, by=make.user("administrator"), **options)
    return snapshot


def get(client, in_round, rest=""):
    return client.get(f"/results/{in_round.code}/method/{rest}")


def recomputed(content: bytes, folder) -> tuple[str, dict[str, dict[str, str]]]:
    file, out = folder / "inputs.json", io.StringIO()
    file.write_bytes(content)
    call_command("recompute", str(file), stdout=out)
    head, *rows = out.getvalue().splitlines()
    return head.removeprefix("SHA-256 "), {row["city_code"]: row for row in csv.DictReader(rows)}


def table(client, in_round) -> dict[str, dict[str, str]]:
    rows = csv.DictReader(io.StringIO(get(client, in_round, "results.csv").content.decode("utf-8-sig")))
    return {row["city_code"]: row for row in rows if row["node_code"] == "TOTAL"}


def assert_same(again, shown):
    assert again.keys() == shown.keys()
    for code, row in again.items():
        assert (row["score"], row["rank"], row["rank_low"], row["rank_high"]) == tuple(
            shown[code][name] for name in ("final_score", "rank", "rank_low", "rank_high")
        )


def test_the_file_has_the_digest_that_is_shown_and_computes_to_the_same_result(client, in_round, tmp_path):
    snapshot = publish(in_round)
    content = get(client, in_round, "inputs.json").content
    assert hashlib.sha256(content).hexdigest() == snapshot.digest
    page = get(client, in_round).content.decode()
    assert snapshot.digest in page
    assert "文件就是摘要所覆盖的全部内容" in page
    told, again = recomputed(content, tmp_path)
    assert told == snapshot.digest
    assert_same(again, table(client, in_round))


def test_reasons_of_rulings_are_not_in_the_public_file_whose_own_digest_is_shown(client, in_round, tmp_path):
    moderator = make.user("moderator", display_name="裁定人某")
    rule(
        submission=in_round.submissions.get(city__name_zh="甲市"), by=moderator, accepts_not_applicable=False,
        indicator=in_round.framework.indicators.get(code="A1"),
        content=Content(VALUE, value_text="55", reason="内部裁定理由"),
    )  # fmt: skip
    snapshot = publish(in_round)
    content = get(client, in_round, "inputs.json").content
    digest = hashlib.sha256(content).hexdigest()
    page = get(client, in_round).content.decode()
    assert digest != snapshot.digest
    assert digest in page
    assert snapshot.digest in page
    for words in ("内部裁定理由", "裁定人某"):
        assert words not in content.decode()
        assert words not in page
    assert_same(recomputed(content, tmp_path)[1], table(client, in_round))
    client.force_login(make.user("administrator"))
    whole = client.get(f"/results/{in_round.code}/method/inputs.json?snapshot={snapshot.pk}").content
    assert hashlib.sha256(whole).hexdigest() == snapshot.digest


def test_a_city_that_is_not_listed_is_not_in_the_files(client, in_round, tmp_path):
    hidden = in_round.submissions.get(city__name_zh="乙市")
    publish(in_round, unlisted=[hidden.pk])
    content = get(client, in_round, "inputs.json").content
    assert hidden.city.code not in content.decode()
    assert "乙市" not in content.decode()
    _told, again = recomputed(content, tmp_path)
    shown = table(client, in_round)
    assert {code: row["score"] for code, row in again.items()} == {
        code: row["final_score"] for code, row in shown.items()
    }
    assert hidden.city.code not in shown


def test_the_page_tells_how_the_result_came_about_without_naming_anybody(client, in_round):
    publish(in_round)
    page = get(client, in_round).content.decode()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for words in (
        "演示数据，由程序自动生成", "由各城市自行填报", "1 个城市没有提交填报", "每个城市的专家 2 位", "克里彭多夫", "评分分歧",
        "申诉 0 件", "定稿 20", "公布 20", "算术平均", "最低数据占比", "几何下限", "加分上限", "同分同名次", "30 次模拟",
        "计分引擎", "程序版本", "recompute", "import_framework", "verify_snapshot", "sha256sum",
    ):  # fmt: skip
        assert words in text, words
    for submission in in_round.submissions.all():
        for task in submission.assignments.all():
            assert not re.search(rf"{task.reviewer.display_name}(?!\d)", text)


def test_the_framework_workbook_can_be_imported(client, in_round, tmp_path):
    publish(in_round)
    path = tmp_path / "framework.xlsx"
    path.write_bytes(get(client, in_round, "framework.xlsx").content)
    assert path.read_bytes().startswith(b"PK")
    assert [row.code for row in read_framework(path).data.indicators] == list(
        in_round.framework.indicators.order_by("position").values_list("code", flat=True)
    )


def test_a_file_that_is_none_is_refused_in_one_sentence(tmp_path):
    from django.core.management.base import CommandError

    file = tmp_path / "x.json"
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(CommandError, match="不能读取或计算"):
        call_command("recompute", str(file))


@pytest.mark.parametrize("cities", [1, 3])
def test_the_page_asks_the_database_no_more_for_more_cities(client, django_assert_max_num_queries, cities):
    made = make.round_()
    for _ in range(cities):
        make.confirmed(make.handed_in(make.city(), made))
    publish(made, draws=0)
    get(client, made)  # what is worked out once
    with django_assert_max_num_queries(30):
        first = get(client, made)
    assert first.status_code == 200
