"""Every number opens to where it comes from, and a city can check its total by hand from what it sees."""

import re

import pytest
from django.urls import reverse

from cities import actions as city_actions
from scoring.actions.compute import compute_round
from scoring.explain import Explainer, explainer_of
from scoring.inputs import gather
from scoring.queries import city_results
from tests import make
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db


def why(round_, city, node):
    return reverse("results:why", args=[round_.code, city, node])


@pytest.fixture
def published(worked):  # noqa: F811
    compute_round(round=worked, by=None, draws=0)
    return make.published(snapshot=worked.snapshots.first(), by=make.user("administrator"))


def derive(round_, city, node):
    snapshot = round_.snapshots.first()
    (found,) = city_results(snapshot, cities=[city])
    return explainer_of(snapshot).derive(city, node, found.cells)


def formula_on(client, address):
    return re.search(r'id="formula">([^<]+)<', client.get(address).text).group(1)


def by_hand(formula):
    """What a pocket calculator makes of `a × b + c × d` (the part before the first equals sign)."""
    total = 0.0
    for term in formula.split(" = ")[0].split(" + "):
        score, share = term.split(" × ")
        total += float(score) * float(share)
    return total


def test_a_city_can_check_its_total_by_hand_from_the_pages(client, published):
    """From the leaves' formulas up: A1 (80 + 40) / 2 = 60, A2 (90 + 80) / 2 = 85, A 72.5, total 67.5 + 2."""
    assert "(80 + 40) ÷ 2 = 60" in formula_on(client, why(published, "110000", "A1"))
    assert formula_on(client, why(published, "110000", "A")) == "60 × 0.5 + 85 × 0.5 = 72.5"

    total = formula_on(client, why(published, "110000", "TOTAL"))

    assert (
        why(published, "110000", "H") in client.get(why(published, "110000", "TOTAL")).text
    )  # the bonus opens too
    assert total.startswith("72.5 × 0.6 + 60 × 0.4 = 67.5；加分后 67.5 + 2 = 69.5")
    assert by_hand(total) + 2 == pytest.approx(69.5, abs=0.001)
    assert "69.5" in client.get(reverse("results:city", args=[published.code, "110000"])).text


def test_weights_say_because_of_what_they_changed(published):
    found = derive(published, "120000", "A")

    assert found.formula == "0 × 1 = 0"
    assert [(term.code, term.why) for term in found.left_out] == [
        ("A2", "评审同意不适用，不计入，权重由同级按比例分担")
    ]
    assert dict(found.steps)["权重重新归一"].startswith(
        "A2（不适用） 不计入，其余权重合计 0.5；A1 0.5 ÷ 0.5 = 1"
    )
    assert "按 0 分计" in dict(derive(published, "120000", "A1").steps)["计分"]


def test_a_leaf_shows_marks_knots_and_versions(client, published):
    found = derive(published, "110000", "A1")

    assert [(mark.seat, mark.given, mark.score) for mark in found.marks] == [(1, 50, 80), (2, 25, 40)]
    assert "(0, 0) 与 (50, 80)" in found.marks[1].how
    assert "0 + (80 − 0) × (25 − 0) ÷ (50 − 0) = 40" in found.marks[1].how
    text = client.get(why(published, "110000", "A1")).text
    assert "R1" in text
    assert "R2" in text
    assert published.snapshots.first().digest in text
    assert why(published, "110000", "A") in text
    assert why(published, "110000", "TOTAL") in text


def test_geometric_harmonic_and_bonus_are_written_out():
    framework = make.tree(
        "D - 1 - geometric\nX D 3 quantity\nY D 1 quantity\nE - 1 - harmonic\nU E 1 quantity\nV E 1 quantity\nH - - bonus".replace(
            "H - - bonus", "H - 2 bonus"
        ),
        bonus_cap=1.5,
    )
    round_ = make.round_(framework, unreviewed="stand")
    make.filled_in(round_, make.city(code="1"), {"X": 80, "Y": 0, "U": 50, "V": 100, "H": 2})
    compute_round(round=round_, by=None, draws=0)

    assert derive(round_, "1", "D").formula == "exp(0.75 × ln 80 + 0.25 × ln max(0, 1)) = 26.7496"
    assert "低于 1 的下级得分按 1 计（Y）" in dict(derive(round_, "1", "D").steps)["汇总方式"]
    assert derive(round_, "1", "E").formula == "1 ÷ (0.5 ÷ 50 + 0.5 ÷ 100) = 66.6667"
    assert dict(derive(round_, "1", "TOTAL").steps)["加分"] == "min(2, 上限 1.5) = 1.5"


def test_minimum_share_and_pending_reviews_are_named():
    framework = make.tree("D - 1 -\nX D 1 quantity\nY D 1 quantity\nE - 1 quantity", minimum_share=0.6)
    round_ = make.round_(framework, missing="exclude", unreviewed="stand")
    make.filled_in(round_, make.city(code="1"), {"X": 10, "E": 5})
    compute_round(round=round_, by=None, draws=0)

    found = derive(round_, "1", "D")

    assert found.score is None
    assert "2 个中有得分的 1 个，占 0.5，低于要求的 0.6" in dict(found.steps)["最低数据占比"]
    waiting = make.round_()
    make.filled_in(waiting, make.city(code="2"), {"A1": 1, "A2": "A", "B1": "1"})
    compute_round(round=waiting, by=None, draws=0)
    assert "A、B 尚未评定" in dict(derive(waiting, "2", "TOTAL").steps)["没有得分"]


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("minmax", "0 + 100 × (30 − 10) ÷ (50 − 10) = 50"),
        ("zscore", "50 + 10 × (30 − 30) ÷ 20 = 50"),
        ("rank", "100 × (3 − 2) ÷ (3 − 1) = 50"),
        ("percentile", "100 × 1 ÷ (3 − 1) = 50"),
        ("target:90", "100 × (30 − 10) ÷ (90 − 10) = 25"),
    ],
)
def test_leaves_normalised_across_the_round_show_the_round(method, words):
    framework = make.tree("D - 1 -\nX D 1 quantity\nY D 1 quantity")
    from accounts.guards import remove
    from indicators.guards import FRAMEWORK_GUARDS

    remove(FRAMEWORK_GUARDS)
    framework.indicators.filter(code="X").update(normalise=method, curve="")
    round_ = make.round_(framework, unreviewed="stand")
    for code, x in (("1", 10), ("2", 30), ("3", 50)):
        make.filled_in(round_, make.city(code=code), {"X": x, "Y": 1})
    compute_round(round=round_, by=None, draws=0)

    assert words in derive(round_, "2", "X").formula


def test_every_formula_of_a_round_ends_in_the_stored_score(published):
    snapshot = published.snapshots.first()
    explainer = Explainer(gather(published))
    for city in city_results(snapshot):
        for code, cell in city.cells.items():
            found = explainer.derive(city.code, code, city.cells)
            if cell.score is None:
                assert found.formula == ""
                assert found.text
            else:
                last = float(re.findall(r"-?[\d.]+", found.formula)[-1])
                assert last == pytest.approx(cell.score, abs=1e-4)


def test_reasons_and_files_are_for_those_who_may_read_them(client, published):
    """A visitor sees marks and numbers of files, the city its reviewers' reasons too."""
    city = published.submissions.get(city__code="110000").city
    address = why(published, "110000", "A1")

    visitor = client.get(address).text
    client.force_login(make.user("city"))
    outsider = client.get(address).text
    client.force_login(make.member(city))
    own = client.get(address).text
    client.force_login(make.user("administrator"))
    administrator = client.get(address).text

    assert ["与材料一致" in text for text in (visitor, outsider, own, administrator)] == [
        False,
        False,
        True,
        True,
    ]
    assert ["查看填报" in text for text in (visitor, outsider, own, administrator)] == [
        False,
        False,
        True,
        True,
    ]
    assert all("认定 50 %" in text for text in (visitor, outsider, own, administrator))
    reviewers = published.submissions.get(city__code="110000").assignments.all()
    assert not any(task.reviewer.display_name in text for task in reviewers for text in (visitor, own))


def test_files_are_numbered_and_linked(client):
    round_ = make.round_(unreviewed="stand")
    submission = make.submission(in_round=round_)
    lead = make.member(submission.city)
    leaf = round_.framework.indicators.get(code="A1")
    city_actions.add_evidence(
        submission=submission, indicator=leaf, upload=make.pdf(name="秘密.pdf"), by=lead
    )
    make.answer(submission, "A1")
    city_actions.hand_in(submission=submission, by=None)
    compute_round(round=round_, by=None, draws=0)
    make.published(snapshot=round_.snapshots.first(), by=make.user("administrator"))
    address = why(round_, submission.city.code, "A1")

    visitor = client.get(address).text
    client.force_login(lead)
    own = client.get(address).text

    assert "A1-01" in visitor
    assert "秘密" not in visitor
    assert "A1-01 秘密.pdf" in own
    assert f"/s/{submission.pk}/evidence/" in own


def test_before_publication_and_for_unknown_names_there_is_nothing(client, worked):  # noqa: F811
    compute_round(round=worked, by=None, draws=0)
    assert client.get(why(worked, "110000", "A1")).status_code == 302
    client.force_login(make.member(worked.submissions.get(city__code="110000").city))
    assert client.get(why(worked, "110000", "A1")).status_code == 404
    client.force_login(make.user("administrator"))
    assert client.get(why(worked, "110000", "A1")).status_code == 200
    assert client.get(why(worked, "110000", "ZZ")).status_code == 404
    assert client.get(why(worked, "999", "A1")).status_code == 404


def test_every_number_of_the_results_pages_links_to_its_derivation(client, published):
    overview = client.get(reverse("results:overview", args=[published.code])).text
    city = client.get(reverse("results:city", args=[published.code, "110000"])).text
    indicator = client.get(reverse("results:indicator", args=[published.code, "A1"])).text

    assert all(why(published, "110000", node) in overview for node in ("TOTAL", "A", "B"))
    assert all(why(published, "110000", node) in city for node in ("TOTAL", "A", "B", "A1", "A2", "B1", "H1"))
    assert all(why(published, code, "A1") in indicator for code in ("110000", "120000"))


@pytest.mark.parametrize("cities", [1, 4])
@pytest.mark.parametrize(("node", "queries"), [("TOTAL", 5), ("A", 5), ("A1", 9)])
def test_a_derivation_takes_the_same_queries_whatever_the_number_of_cities(
    client, cities, node, queries, django_assert_num_queries
):
    round_ = make.round_(unreviewed="stand")
    for number in range(cities):
        make.filled_in(round_, make.city(code=f"11000{number}"), {"A1": 50, "A2": "A", "B1": "1", "H1": 3})
    compute_round(round=round_, by=None, draws=0)
    make.published(snapshot=round_.snapshots.first(), by=make.user("administrator"))

    with django_assert_num_queries(queries):
        assert client.get(why(round_, "110000", node)).status_code == 200


def test_the_export_has_a_row_per_city_and_node(worked):  # noqa: F811
    import io

    import openpyxl

    from scoring.exporters import write_results_workbook
    from scoring.results import load_results

    snapshot = compute_round(round=worked, by=None, draws=50)
    file = io.BytesIO()
    write_results_workbook(load_results(snapshot), file)
    book = openpyxl.load_workbook(file, read_only=True)

    header, *rows = book["推导"].values
    by_node = {(row[0], row[2]): row for row in rows}

    assert header == (
        "城市代码 (city_code)", "城市 (city)", "编号 (code)", "指标 (node)", "得分 (score)", "算式", "说明",
    )  # fmt: skip
    assert len(rows) == 3 * 8
    assert by_node["110000", "A"][4:6] == (72.5, "60 × 0.5 + 85 × 0.5 = 72.5")
    assert "评审 R2：认定 25" in by_node["110000", "A1"][6]
    assert by_node["130000", "TOTAL"][4] is None
    assert "尚未评定" in by_node["130000", "TOTAL"][6]
    table = list(book["稳健性"].values)
    assert table[0][0] == "假设"
    assert len(table) > 4


def test_large_rounds_export_derivations_only_when_asked(worked, monkeypatch):  # noqa: F811
    from scoring import derivation_sheets
    from scoring.results import load_results

    results = load_results(compute_round(round=worked, by=None, draws=0))
    monkeypatch.setattr(derivation_sheets, "MOST_ROWS", 10)

    assert [len(list(derivation_sheets.derivation_rows(results, everything=wish))) for wish in (None, False, True)] == [
        1, 1, 24,
    ]  # fmt: skip
