"""Open data: what anybody may read of published results, and nothing else."""
# ruff: noqa: F811 — a fixture of another file

import csv
import io
import json
import math
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cities.models import City, Round
from scoring.actions.compute import compute_round
from scoring.actions.publishing import set_audience
from scoring.api import openapi
from scoring.api.data import PARTS, public_rounds
from scoring.models import NodeScore
from scoring.visibility import view_of
from tests import make
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db
FOUR = "90:优秀|60:合格|0:待改进"
R = "/api/v1/rounds/R-2025/"


@pytest.fixture
def administrator():
    return make.user("administrator")


@pytest.fixture
def snapshot(worked):
    worked.grade_bands = FOUR
    worked.save(update_fields=["grade_bands"])
    return compute_round(round=worked, by=None, draws=50)


@pytest.fixture
def published(snapshot, administrator):
    make.published(snapshot=snapshot, by=administrator)
    snapshot.refresh_from_db()
    return snapshot


def read(client, url, **headers):
    response = client.get(url, headers=headers)
    assert response.status_code == 200, (url, response.content[:500])
    return response.json()


def table(response):
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))


def correct(round_, administrator):
    """Compute once more and publish that as a correction."""
    again = compute_round(round=round_, by=None, draws=0, reason="更正")
    make.published(snapshot=again, by=administrator, erratum="重新计算了名次区间。")
    again.refresh_from_db()
    return again


# --- who may read ----------------------------------------------------------------------------------------------

ADDRESSES = ["", *PARTS]


@pytest.mark.parametrize("part", ADDRESSES)
def test_nothing_is_said_of_what_is_not_public(client, snapshot, administrator, part):
    """Not published, published to others, gone, never there: all the same answer, also to an administrator."""
    never = client.get(f"/api/v1/rounds/nowhere/{part}")
    assert never.status_code == 404
    assert client.get(R + part).content == never.content
    assert client.get(f"{R}snapshots/{snapshot.pk}/{part}").content == never.content
    make.published(snapshot=snapshot, by=administrator, audience="participants")
    client.force_login(administrator)
    assert client.get(R + part).content == never.content
    assert client.get(f"{R}snapshots/{snapshot.pk}/{part}").content == never.content


def test_unpublished_and_foreign_snapshots_have_no_address(client, published, worked, administrator):
    later = compute_round(round=worked, by=None, draws=0, reason="试算")
    other = make.published(
        snapshot=compute_round(round=make.confirmed(make.handed_in()).round, by=None, draws=0),
        by=administrator,
    )

    assert client.get(f"{R}snapshots/{published.pk}/").status_code == 200
    for number in (later.pk, other.snapshots.get().pk, 0, 10**30):
        assert client.get(f"{R}snapshots/{number}/").status_code == 404
    assert read(client, R)["about"]["snapshot"] == published.pk


def test_a_round_that_is_withdrawn_is_gone_at_once(client, published, worked, administrator):
    etag = client.get(R)["ETag"]
    set_audience(
        round_=worked, audience="own", shows_ranks=True, unlisted=[], reason="撤回公开。", by=administrator
    )

    assert client.get(R, headers={"If-None-Match": etag}).status_code == 404
    assert read(client, "/api/v1/rounds.json")["count"] == 0


def test_cities_left_out_appear_nowhere(client, worked, snapshot, administrator):
    hidden = worked.submissions.get(city__code="130000")
    make.published(snapshot=snapshot, by=administrator, unlisted=[hidden.pk])

    for start in (R, f"{R}snapshots/{snapshot.pk}/"):
        for part in ADDRESSES:
            text = client.get(start + part).getvalue().decode()
            assert "130000" not in text
            assert "丙市" not in text
    assert read(client, R)["cities_left_out"] == 1
    assert [one["code"] for one in read(client, R + "cities.json")["cities"]] == ["110000", "120000"]
    assert read(client, R + "method.json")["not_submitted"] == []
    # asked for by name it is as unknown as one that never took part
    by_name, unknown = (client.get(f"{R}results.json?city={code}") for code in ("130000", "999999"))
    assert by_name.status_code == unknown.status_code == 400
    assert by_name.json() == json.loads(unknown.text.replace("999999", "130000"))


def test_ranks_that_are_not_shown_appear_nowhere(client, snapshot, administrator):
    make.published(snapshot=snapshot, by=administrator, shows_ranks=False)

    rows = [
        *read(client, R + "results.json")["rows"], *read(client, R + "cities.json")["cities"],
        *table(client.get(R + "results.csv")), *table(client.get(R + "cities.csv")),
    ]  # fmt: skip
    assert {row[name] or None for row in rows for name in ("rank", "rank_low", "rank_high")} == {None}
    assert {row["final_score"] for row in rows[:24] if row["node_code"] == "TOTAL"} == {69.5, 40.0, None}
    # neither does the order of the cities tell
    assert [row["code"] for row in rows if "total" in row][:3] == ["110000", "120000", "130000"]


def test_the_list_has_the_rounds_that_the_one_gate_shows(client, published, administrator):
    for audience in Round.Audience:
        done = make.confirmed(make.handed_in()).round
        make.published(
            snapshot=compute_round(round=done, by=None, draws=0), by=administrator, audience=audience
        )
    make.round_(audience="public")
    from django.contrib.auth.models import AnonymousUser

    shown = {
        one.code
        for one in Round.objects.all()
        if (view := view_of(AnonymousUser(), one)) is not None and view.public and view.snapshot is not None
    }
    assert len(shown) == 2
    assert {one.code for one in public_rounds()} == shown
    assert {one["code"] for one in read(client, "/api/v1/rounds.json")["rounds"]} == shown


# --- what is said ------------------------------------------------------------------------------------------------


def test_results_are_the_stored_ones_in_full_precision(client, published):
    body = read(client, R + "results.json?limit=10000")

    stored = NodeScore.objects.filter(snapshot=published).order_by("pk").select_related("submission__city")
    assert [
        (row["city_code"], row["node_code"], row["self_score"], row["final_score"], row["points"], row["points_lost"],
         row["rank"], row["rank_low"], row["rank_high"], row["state"])
        for row in body["rows"]
    ] == [
        (one.submission.city.code, one.node_code, one.self_score, one.score, one.points, one.points_lost, one.rank,
         one.rank_low, one.rank_high, one.state)
        for one in stored
    ]  # fmt: skip
    assert body["count"] == 24
    total = body["rows"][0]
    assert (total["node"], total["depth"], total["global_weight"], total["grade"]) == ("总分", 0, 1.0, "合格")
    assert {row["grade"] for row in body["rows"] if row["node_code"] != "TOTAL"} == {None}


def test_the_csv_is_the_stable_long_table(client, published):
    response = client.get(R + "results.csv")

    rows = table(response)
    names = (
        "round city_code city node_code node depth global_weight self_score final_score points points_lost rank rank_low "
        "rank_high state"
    )
    assert " ".join(rows[0]) == names
    body = read(client, R + "results.json?limit=10000")["rows"]
    assert rows == [
        {name: "" if row[name] is None else str(row[name]) for name in names.split()} for row in body
    ]
    assert response["Content-Disposition"].startswith("attachment")
    assert f"R-2025-{published.pk}-results.csv" in response["Content-Disposition"]


def test_rows_are_chosen_and_paged(client, published):
    first = read(client, R + "results.json?city=110000&city=120000&depth=1&limit=4")
    rest = read(client, first["next"])

    assert (first["count"], first["limit"], first["offset"], rest["offset"], rest["next"]) == (
        6,
        4,
        0,
        4,
        None,
    )
    assert [(row["city_code"], row["node_code"]) for row in first["rows"] + rest["rows"]] == [
        (city, node) for city in ("110000", "120000") for node in ("A", "B", "H")
    ]
    assert {row["node_code"] for row in read(client, R + "results.json?node=A1&node=TOTAL")["rows"]} == {
        "A1",
        "TOTAL",
    }
    assert read(client, R + "results.json?node=A1&depth=1")["rows"] == []
    assert len(table(client.get(R + "results.csv?city=120000"))) == 8
    assert read(client, R + "results.json?offset=100")["rows"] == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("results.json?page=2", "没有参数“page”。可用的参数：city、node、depth、limit、offset。"),
        ("results.json?limit=0", "参数 limit 应为 1 到 10000 之间的一个整数。"),
        ("results.json?limit=10001", "1 到 10000"),
        ("results.json?limit=9&limit=8", "一个整数"),
        ("results.json?limit=²", "一个整数"),
        ("results.json?limit=" + "9" * 5000, "一个整数"),
        ("results.json?offset=-1", "参数 offset"),
        ("results.json?depth=x", "参数 depth"),
        ("results.json?node=ZZ", "本结果中没有节点“ZZ”。"),
        ("results.csv?limit=5", "没有参数“limit”。"),
        ("method.json?x=1", "没有参数“x”。此网址不带参数。"),
    ],
)
def test_what_cannot_be_asked_is_said_in_words(client, published, query, words):
    response = client.get(R + query)

    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    body = response.json()
    assert words in body["detail_zh"]
    assert body["detail"].isascii() or "²" in body["detail"]
    assert set(body) == {"type", "title", "title_zh", "status", "detail", "detail_zh"}
    assert response["Cache-Control"] == "no-store"


def test_the_framework_is_there_with_weights_curves_and_rubrics(client, published):
    body = read(client, R + "framework.json")

    nodes = {node["code"]: node for node in body["indicators"]}
    assert list(nodes) == ["A", "A1", "A2", "B", "B1", "H", "H1"]
    assert nodes["A1"]["curve_knots"] == [[0, 0], [50, 80], [100, 100]]
    assert (nodes["A1"]["parent"], nodes["A1"]["local_weight"], nodes["A1"]["points"]) == ("A", 0.5, 30)
    assert nodes["A2"]["levels"][0] == {
        "level": "A", "label": "优秀", "score_min": 90, "score_max": 100, "descriptor": "优秀的描述",
    }  # fmt: skip
    assert nodes["B1"]["items"] == [
        {"item": "1", "score": 60, "text": "要点1"}, {"item": "2", "score": 40, "text": "要点2"},
    ]  # fmt: skip
    assert (nodes["H1"]["bonus_maximum"], nodes["H1"]["global_weight"]) == (5, None)
    assert math.isclose(
        sum(node["global_weight"] for node in nodes.values() if node["kind"] and not node["is_bonus"]), 1
    )
    rows = table(client.get(R + "framework.csv"))
    assert [row["code"] for row in rows] == list(nodes)
    assert rows[2]["levels"].startswith("A:优秀:90-100|B:良好:75-89|")


def test_the_method_says_rules_grades_and_who_did_not_hand_in(client, published):
    body = read(client, R + "method.json")

    assert body["rules"] == published.method["rules"]
    assert body["grade_bands"] == [
        {"grade": "优秀", "from": 90, "below": None}, {"grade": "合格", "from": 60, "below": 90},
        {"grade": "待改进", "from": 0, "below": 60},
    ]  # fmt: skip
    assert body["not_submitted"] == ["130000"]
    assert {"label": "评审汇总", "value": "平均分"}.items() <= body["rules_in_words"][6].items()


def test_cities_have_totals_grades_and_reasons(client, published):
    first, second, third = read(client, R + "cities.json")["cities"]

    assert (first["total"], first["rank"], first["grade"], first["why_not_ranked"]) == (69.5, 1, "合格", None)
    assert second["grade"] == "待改进"
    assert (third["total"], third["rank"], third["grade"], third["submitted"]) == (None, None, None, False)
    assert third["why_not_ranked"] == "尚未提交填报"
    assert [row["code"] for row in table(client.get(R + "cities.csv"))] == ["110000", "120000", "130000"]


def test_cities_are_held_against_others_of_their_kind_that_are_shown(client, worked, snapshot, administrator):
    """甲 69.5 and 乙 40 are of one level; the third has no total; 甲's region is nobody else's."""
    City.objects.update(level="prefecture")
    City.objects.filter(code="110000").update(region="east")
    make.published(snapshot=snapshot, by=administrator)

    cities = read(client, R + "cities.json")["cities"]

    assert [(one["gap_level"], one["gap_region"]) for one in cities] == [
        (29.5, None),
        (-29.5, None),
        (None, None),
    ]
    set_audience(
        round_=worked, audience="public", shows_ranks=True, reason="不列入。", by=administrator,
        unlisted=[worked.submissions.get(city__code="120000").pk],
    )  # fmt: skip
    assert [one["gap_level"] for one in read(client, R + "cities.json")["cities"]] == [None, None]


def test_demonstrations_and_pilots_say_so_everywhere(client, worked, snapshot, administrator):
    Round.objects.filter(pk=worked.pk).update(is_demo=True)
    make.published(snapshot=snapshot, by=administrator)

    for part in ("", "results.json", "framework.json", "method.json", "cities.json"):
        about = read(client, R + part)["about"]
        assert (about["marks"], about["notes"]) == (["演示数据"], ["参考稿"])
    assert read(client, "/api/v1/rounds.json")["rounds"][0]["marks"] == ["演示数据"]
    for part in ("results.csv", "cities.csv", "framework.csv"):
        assert "%E6%BC%94%E7%A4%BA" in client.get(R + part)["Content-Disposition"]


def test_a_corrected_result_keeps_its_address_and_names_the_newer_one(
    client, published, worked, administrator
):
    before = read(client, f"{R}snapshots/{published.pk}/cities.json")
    again = correct(worked, administrator)

    old, new = read(client, f"{R}snapshots/{published.pk}/cities.json"), read(client, R + "cities.json")
    assert old["cities"] == before["cities"]
    assert (old["about"]["superseded_by"], old["about"]["newer_url"]) == (
        again.pk,
        f"{R}snapshots/{again.pk}/",
    )
    assert (new["about"]["snapshot"], new["about"]["superseded_by"]) == (again.pk, None)
    listed = read(client, R)
    assert [(one["id"], one["superseded"]) for one in listed["snapshots"]] == [
        (again.pk, False),
        (published.pk, True),
    ]
    assert (listed["erratum"], listed["snapshots"][1]["erratum"]) == ("重新计算了名次区间。", None)
    assert read(client, listed["stable_links"]["cities.json"])["about"]["snapshot"] == again.pk


def test_names_that_read_as_formulas_and_codes_with_slashes_are_safe(client, administrator):
    framework = make.tree("D - 1 -\na/b D 1 quantity\n=c D 1 quantity")
    round_ = make.round_(framework, code="轮 次+1", unreviewed="stand")
    city = make.city(code="X 1", name_zh='=HYPERLINK("x")')
    make.filled_in(round_, city, {"a/b": 50, "=c": 70})
    make.published(snapshot=compute_round(round=round_, by=None, draws=0), by=administrator)
    start = reverse("api:round", args=[round_.code])

    assert [row["node_code"] for row in read(client, f"{start}results.json?node=a/b&city=X%201")["rows"]] == [
        "a/b"
    ]
    rows = table(client.get(start + "results.csv"))
    assert {row["city"][0] for row in rows} == {"'"}
    assert {row["node_code"] for row in rows} == {"TOTAL", "D", "a/b", "'=c"}
    for link in read(client, start)["links"].values():
        assert client.get(link).status_code == 200


# --- how it is said ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part", ["", "results.json", "results.csv", "framework.csv", "method.json", "cities.json"]
)
def test_answers_are_cacheable_by_anybody_and_set_no_cookie(client, published, administrator, part):
    plain = client.get(R + part)
    client.force_login(administrator)
    client.cookies["unrelated"] = "1"
    signed_in = client.get(R + part)

    assert plain.getvalue() == signed_in.getvalue()
    for response in (plain, signed_in):
        assert response["Cache-Control"] == "public, max-age=300"
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response
        assert not response.cookies
        assert "Cookie" not in response.get("Vary", "")
    for condition in ({"If-None-Match": plain["ETag"]}, {"If-Modified-Since": plain["Last-Modified"]}):
        unchanged = client.get(R + part, headers=condition)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert (unchanged["ETag"], unchanged["Cache-Control"]) == (plain["ETag"], "public, max-age=300")
        assert unchanged["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("part", ["", "results.json", "results.csv", "cities.csv", "method.json"])
def test_a_copy_is_out_of_date_as_soon_as_something_else_is_shown(
    client, published, worked, administrator, part
):
    def tag():
        return client.get(R + part)["ETag"]

    tags = [tag()]
    hidden = worked.submissions.get(city__code="130000").pk
    set_audience(
        round_=worked,
        audience="public",
        shows_ranks=True,
        unlisted=[hidden],
        reason="不列入。",
        by=administrator,
    )
    tags.append(tag())
    correct(worked, administrator)
    tags.append(tag())

    assert len(set(tags)) == 3


def test_only_reading_is_possible(client, published):
    head, get = client.head(R + "cities.json"), client.get(R + "cities.json")
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", get["ETag"])
    options = client.options(R + "cities.json")
    assert (options.status_code, options["Access-Control-Allow-Methods"]) == (204, "GET, HEAD, OPTIONS")
    assert options["Access-Control-Allow-Origin"] == "*"
    for method in (client.post, client.put, client.patch, client.delete):
        response = method(R + "cities.json", data=b"{}", content_type="application/json")
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert response.json()["title_zh"] == "只能读取"


@pytest.mark.parametrize(
    "rest", ["nothing", "v1/rounds/R-2025", "v2/", "v1/rounds/R-2025/snapshots/x/", "v1/rounds/a/b/c/"]
)
def test_other_addresses_are_not_found_in_words(client, published, rest):
    response = client.get(f"/api/{rest}")

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert "没有此网址" in response.json()["detail_zh"]


def _one_more_city(round_, number):
    make.confirmed(make.handed_in(make.city(code=f"Z{number}", name_zh=f"第{number}市"), round_))


@pytest.mark.parametrize(
    "part", ["v1/rounds.json", "v1/rounds.csv", *(f"v1/rounds/R-2025/{part}" for part in ADDRESSES)]
)
def test_the_number_of_queries_does_not_grow(client, published, worked, administrator, part):
    counts = []
    for round_of in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(f"/api/{part}").getvalue()
        counts.append(len(queries))
        if not round_of:
            for number in range(3):
                _one_more_city(worked, number)
            correct(worked, administrator)
            more = make.confirmed(make.handed_in()).round
            make.published(snapshot=compute_round(round=more, by=None, draws=0), by=administrator)

    assert counts[0] == counts[1] <= 16


# --- the description -------------------------------------------------------------------------------------------------


def resolve(schema, whole):
    while "$ref" in schema:
        found = whole
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


KINDS = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list,
    "null": type(None),
}  # fmt: skip


def faults(value, schema, whole, where="$"):
    """Where a value does not fit a schema: type, enum, required, properties, items, limits."""
    schema = resolve(schema, whole)
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds or []
    if kinds and not any(
        isinstance(value, KINDS[kind]) and not (isinstance(value, bool) and kind != "boolean")
        for kind in kinds
    ):
        yield f"{where}: {value!r} is no {kinds}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value)
        if known:
            yield from (f"{where}: {name} is not described" for name in value if name not in known)
        for name, one in value.items():
            yield from faults(
                one, known.get(name, schema.get("additionalProperties", {})), whole, f"{where}.{name}"
            )
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from faults(one, schema.get("items", {}), whole, f"{where}[{place}]")


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for one in node.values():
            yield from references(one)
    elif isinstance(node, list):
        for one in node:
            yield from references(one)


def test_the_description_is_whole(client):
    whole = read(client, "/api/v1/openapi.json")

    assert whole["openapi"].startswith("3.1.")
    assert {"title", "version", "license"} <= set(whole["info"])
    assert {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]} == set(
        references(whole)
    )
    names = []
    for path, item in whole["paths"].items():
        assert set(item) == {"get"}
        operation = item["get"]
        names.append(operation["operationId"])
        given = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert given == set(re.findall(r"\{(\w+)\}", path))
        assert all(one["required"] for one in operation["parameters"] if one["in"] == "path")
        for one in operation["parameters"]:
            assert {"name", "in", "schema", "description"} <= set(one)
        assert {"200", "304", "400"} <= set(operation["responses"])
        assert all(answer["description"] for answer in operation["responses"].values())
    assert len(names) == len(set(names))


def test_every_address_is_described_and_answers_as_described(client, published, worked, administrator):
    """With a demonstration, a correction, blanks and a city that did not hand in, so that every null occurs."""
    correct(worked, administrator)
    whole = openapi.description()
    filled = {"{round}": "R-2025", "{snapshot}": str(published.pk)}
    asked = set()
    for path, item in whole["paths"].items():
        url = path
        for name, value in filled.items():
            url = url.replace(name, value)
        response = client.get(url)
        assert response.status_code == 200, url
        ((kind, media),) = item["get"]["responses"]["200"]["content"].items()
        assert response["Content-Type"].split(";")[0] == kind
        if kind == "application/json":
            assert list(faults(response.json(), media["schema"], whole)) == []
        query = {one["name"] for one in item["get"]["parameters"] if one["in"] == "query"}
        refused = client.get(url + "?nothing=1").json()
        assert list(faults(refused, {"$ref": "#/components/schemas/Problem"}, whole)) == []
        assert query == set(re.findall(r"[a-z]+", refused["detail"].split("Known: ")[1])) - {"none"}
        asked.add(url)
    served = {
        reverse(f"api:{start}{name}", args=["R-2025", *more])
        for start, more in (("", []), ("snapshot_", [published.pk]))
        for name in ["round", *PARTS.values()]
    } | {reverse(f"api:{name}") for name in ("index", "openapi", "rounds_json", "rounds_csv")}
    assert asked == served


def test_the_checker_itself_finds_faults():
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "enum": [1]}}}
    assert list(faults({"a": 1}, schema, {})) == []
    assert len(list(faults({"a": 2}, schema, {}))) == 1
    assert len(list(faults({"a": True}, schema, {}))) == 1
    assert len(list(faults({"b": 1}, schema, {}))) == 2
    assert len(list(faults([1, None], {"type": "array", "items": {"type": "number"}}, {}))) == 1


def test_the_page_explains_it_to_people(client, published):
    text = client.get("/api/").text

    for words in (
        "开放数据",
        R,
        "/api/v1/openapi.json",
        "rank_low",
        "注明来源",
        "代理服务器限制",
        "superseded_by",
    ):
        assert words in text


def test_the_page_says_when_there_is_nothing_yet(client):
    assert "还没有轮次向社会公众公布结果" in client.get("/api/").text
