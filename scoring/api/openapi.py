"""The OpenAPI 3.1 description of the open data addresses, made from the columns that they write."""

from collections.abc import Iterable
from typing import Any

from scoring.api.columns import CITIES, FRAMEWORK, GRADE, RESULTS, ROUNDS, Column
from scoring.models import NodeScore

VERSION = "1.0.0"
DEFAULT_LIMIT, MOST = 1_000, 10_000
TITLE = "学习型城市评价开放数据"
LICENCE = (
    "可自由复制、传播和再利用，须注明来源（轮次名称、快照编号与公布单位），并保留“演示数据”“试点”等标记和指标体系的说明；"
    "经加工的，须说明作了何种更改。"
)
_ABOUT = f"""\
已公布评价结果的只读数据，无须账号。只包含面向社会公众公布的轮次；不公布名次的轮次名次为空，不列入公开名单的城市不出现。
小数为全精度；没有的值为 null（CSV 中为空），从不以 0 代替，原因见 state。
网址以 /api/v1/ 开头，同一版本内只增加、不更改和删除字段。
每份已公布的结果都有固定网址 /api/v1/rounds/<轮次>/snapshots/<快照>/，内容不因后来的更正而改变。
响应带 ETag 与 Last-Modified，请用 If-None-Match 或 If-Modified-Since 重复读取。访问频率由部署单位的代理服务器限制，本系统不另设。
使用条件：{LICENCE}"""

Schema = dict[str, Any]


def _object(properties: dict[str, Schema], **more: Any) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties, **more}


def _columns(columns: Iterable[Column], **instead: Schema) -> Schema:
    return _object({column.name: column.schema for column in columns} | instead)


def _of(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _kind(kind: str, description: str = "", *, null: bool = False, **more: Any) -> Schema:
    words = {"description": description} if description else {}
    return {"type": [kind, "null"] if null else kind, **words, **more}


_TEXT, _TEXT_OR_NONE, _YES = _kind("string"), _kind("string", null=True), _kind("boolean")
_WHOLE, _NUMBER, _NUMBER_OR_NONE = _kind("integer"), _kind("number"), _kind("number", null=True)
_WHEN = _kind("string", format="date-time")
_WHEN_OR_NONE = _kind("string", null=True, format="date-time")
_URL = _kind("string", "相对于本站的网址", format="uri-reference")
_MARKS = _kind("array", "使用时必须同时标明的性质：演示数据、试点", items=_TEXT)
_PAGE = {
    "count": _kind("integer", "共有多少行"),
    "limit": _WHOLE,
    "offset": _WHOLE,
    "next": _kind("string", "下一页的网址；没有时为 null", null=True, format="uri-reference"),
}
_EDITION = dict.fromkeys(("code", "edition", "name_zh", "source", "provenance"), _TEXT)


def _schemas() -> dict[str, Schema]:
    level = _object(
        {"level": _TEXT, "label": _TEXT_OR_NONE, "score_min": _WHOLE, "score_max": _WHOLE, "descriptor": _TEXT_OR_NONE}
    )  # fmt: skip
    item = _object({"item": _TEXT, "score": _NUMBER, "text": _TEXT_OR_NONE})
    rule = _object({"label": _TEXT, "value": {"type": ["string", "number"]}, "meaning": _TEXT_OR_NONE})
    band = _object({"grade": _TEXT, "from": _NUMBER, "below": _NUMBER_OR_NONE})
    row = _columns([*RESULTS, GRADE])
    row["properties"]["state"]["enum"] = list(NodeScore.State.values)
    return {
        "Index": _object(
            {"name": _TEXT, "version": _TEXT, "licence": _TEXT, "documentation": _URL, "openapi": _URL,
             "rounds": _object({"json": _URL, "csv": _URL})}
        ),
        "About": _object(
            {"round": _TEXT, "snapshot": _WHOLE, "digest": _kind("string", "输入的 SHA-256 摘要"),
             "published_at": _WHEN_OR_NONE, "marks": _MARKS,
             "notes": _kind("array", "使用时应一并注明的话", items=_TEXT),
             "superseded_by": _kind("integer", "取代本结果的快照；没有时为 null", null=True),
             "newer_url": _kind("string", null=True, format="uri-reference")}
        ),
        "RoundRow": _columns(ROUNDS, marks=_MARKS, url=_URL),
        "RoundPage": _object({**_PAGE, "rounds": _list(_of("RoundRow"))}),
        "Snapshot": _object(
            {"id": _WHOLE, "published_at": _WHEN, "digest": _TEXT, "erratum": _TEXT_OR_NONE,
             "superseded": _kind("boolean", "是否已被更正后的结果取代"), "url": _URL}
        ),
        "Round": _object(
            {"about": _of("About"), "code": _TEXT, "name": _TEXT, "year": _WHOLE, "is_demo": _YES, "is_pilot": _YES,
             "framework": _object(_EDITION), "shows_ranks": _YES, "cities": _WHOLE,
             "cities_left_out": _kind("integer", "不列入公开名单的城市数"), "computed_at": _WHEN, "engine_version": _TEXT,
             "erratum": _TEXT_OR_NONE, "links": _kind("object", additionalProperties=_URL),
             "stable_links": _kind("object", additionalProperties=_URL), "snapshots": _list(_of("Snapshot"))}
        ),
        "ResultRow": row,
        "ResultPage": _object({"about": _of("About"), **_PAGE, "rows": _list(_of("ResultRow"))}),
        "Indicator": _columns(
            FRAMEWORK, levels=_list(level), items=_list(item), curve_knots=_kind("array", "评分曲线的各点 [x, 得分]", items=_list(_NUMBER))
        ) | {"description": "指标体系的一个节点，按体系的次序"},
        "Framework": _object(
            {"about": _of("About"), **_EDITION, "sha256": _TEXT_OR_NONE, "aggregation": _TEXT,
             "indicators": _list(_of("Indicator"))}
        ),
        "Method": _object(
            {"about": _of("About"), "edition": _kind("object"), "rules": _kind("object", "存档的规则，属于摘要所覆盖的内容"),
             "rules_in_words": _list(rule), "grade_bands": _list(band), "cities_computed": _WHOLE, "cities_ranked": _WHOLE,
             "cities_left_out": _WHOLE, "not_submitted": _list(_TEXT), "seats": _list(_WHOLE), "seed": _WHOLE,
             "draws": _WHOLE, "engine_version": _TEXT, "computed_at": _WHEN, "erratum": _TEXT_OR_NONE}
        ),
        "City": _columns(CITIES),
        "CityList": _object({"about": _of("About"), "cities": _list(_of("City"))}),
        "Problem": _object(
            {"type": _TEXT, "title": _TEXT, "title_zh": _TEXT, "status": _WHOLE, "detail": _TEXT, "detail_zh": _TEXT}
        ),
    }  # fmt: skip


def _parameter(name: str, where: str, schema: Schema, description: str, **more: Any) -> Schema:
    return {"name": name, "in": where, "schema": schema, "description": description, **more}


_ROUND = _parameter("round", "path", _TEXT, "轮次代码", required=True)
_SNAPSHOT = _parameter("snapshot", "path", _WHOLE, "快照编号", required=True)
_LIMIT = _parameter(
    "limit", "query", _kind("integer", minimum=1, maximum=MOST, default=DEFAULT_LIMIT), "最多多少行"
)
_OFFSET = _parameter("offset", "query", _kind("integer", minimum=0, default=0), "跳过多少行")
_FILTERS = [
    _parameter("city", "query", _list(_TEXT), "城市代码，可重复", explode=True),
    _parameter("node", "query", _list(_TEXT), "节点代码，可重复；总分为 TOTAL", explode=True),
    _parameter("depth", "query", _kind("integer", minimum=0), "层级：总分为 0，维度为 1"),
]
#: what may come after a round or a snapshot: name of the part, summary, schema (None: CSV), parameters
_PARTS = [
    ("", "一轮已公布的结果：元数据、网址、各次公布的快照", "Round", []),
    ("results.json", "每个城市 × 节点一行的结果，分页", "ResultPage", [*_FILTERS, _LIMIT, _OFFSET]),
    ("results.csv", "同上，整份 CSV", None, _FILTERS),
    ("framework.json", "指标体系：权重、评分曲线、评分等级、要点", "Framework", []),
    ("framework.csv", "同上，每个节点一行", None, []),
    ("method.json", "计分方法与规则", "Method", []),
    ("cities.json", "参评城市及其总分", "CityList", []),
    ("cities.csv", "同上，CSV", None, []),
]


def _operation(
    name: str, summary: str, schema: str | None, parameters: list[Schema], *, finds: bool
) -> Schema:
    body = {"application/json": {"schema": _of(schema)}} if schema else {"text/csv": {"schema": _TEXT}}
    headers = {
        "ETag": {"schema": _TEXT, "description": "本响应的版本"},
        "Cache-Control": {"schema": _TEXT, "description": "public"},
    }
    refused = {"description": "参数有误", "content": {"application/problem+json": {"schema": _of("Problem")}}}
    absent = {"description": "没有这一轮，或未向公众公布", "content": refused["content"]}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": summary, "headers": headers, "content": body},
            "304": {"description": "自上次读取以来没有变化"},
            "400": refused,
            **({"404": absent} if finds else {}),
        },
    }


def description() -> dict[str, Any]:
    """The whole document; it depends on nothing stored."""
    single = [
        ("/api/v1/", "index", "入口", "Index", []),
        ("/api/v1/openapi.json", "openapi", "本说明", None, []),
        ("/api/v1/rounds.json", "rounds_json", "向公众公布的轮次，分页", "RoundPage", [_LIMIT, _OFFSET]),
        ("/api/v1/rounds.csv", "rounds_csv", "同上，整份 CSV", None, []),
    ]
    paths: dict[str, Any] = {}
    for path, name, summary, schema, parameters in single:
        paths[path] = {"get": _operation(name, summary, schema, parameters, finds=False)}
    paths["/api/v1/openapi.json"]["get"]["responses"]["200"]["content"] = {
        "application/json": {"schema": {"type": "object"}}
    }
    for prefix, start, base in (
        ("/api/v1/rounds/{round}/", "", [_ROUND]),
        ("/api/v1/rounds/{round}/snapshots/{snapshot}/", "snapshot_", [_ROUND, _SNAPSHOT]),
    ):
        for part, summary, schema, parameters in _PARTS:
            name = start + (part.replace(".", "_") or "round")
            about = f"{summary}（固定网址）" if start else summary
            paths[prefix + part] = {"get": _operation(name, about, schema, [*base, *parameters], finds=True)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE, "version": VERSION, "description": _ABOUT,
            "license": {"name": "注明来源即可再利用（见说明）", "url": "/api/"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": _schemas()},
    }  # fmt: skip
