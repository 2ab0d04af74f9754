"""What a snapshot holds, how its digest comes about, and how it is checked later."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from scoring.engine import (
    ENGINE_VERSION,
    InputError,
    RankIntervals,
    RoundScores,
    State,
    TreeError,
    rank_intervals,
    score_round,
)
from scoring.inputs import GatheredInputs, from_payload, gather, payload
from scoring.models import NodeScore, ResultSnapshot
from scoring.sensitivity import assess, robustness_differences

DELTA = 0.2
#: the columns of `NodeScore` that are computed, in the order of `node_rows`
COMPUTED = (
    "state", "self_score", "score", "effective_weight", "points", "points_lost", "rank", "rank_low", "rank_high",
)  # fmt: skip
_STATE_WORDS = np.array([state.word for state in State])
_STATE_LABELS = dict(NodeScore.State.choices)
_LABELS = {
    "state": "状态", "self_score": "自评分", "score": "得分", "effective_weight": "有效权重", "points": "得分值",
    "points_lost": "失分", "rank": "名次", "rank_low": "名次区间下限", "rank_high": "名次区间上限",
}  # fmt: skip


# --- canonical form ------------------------------------------------------------------------------------------


def canonical_json(data: Any) -> bytes:
    """The one way to write plain data: sorted keys, no spaces, floats by their shortest exact form, no NaN."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def digest(canonical: bytes) -> str:
    return hashlib.sha256(canonical).hexdigest()


def unpack(snapshot: ResultSnapshot) -> bytes:
    """The canonical JSON that the snapshot stores."""
    return zlib.decompress(bytes(snapshot.inputs))


def read_inputs(snapshot: ResultSnapshot) -> GatheredInputs:
    """The round as it was when the snapshot was computed."""
    return from_payload(json.loads(unpack(snapshot).decode()))  # as text: json would hold the bytes beside it


# --- computing -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Computed:
    """A scored round; `intervals` is None without draws."""

    scores: RoundScores
    intervals: RankIntervals | None


def compute(gathered: GatheredInputs, *, seed: int, draws: int, delta: float = DELTA) -> Computed:
    """Scores and rank intervals: the same inputs and seed give the same bits."""
    tree, rules, inputs = gathered.tree, gathered.rules, gathered.inputs
    scores = score_round(tree, rules, inputs)
    intervals = rank_intervals(tree, rules, inputs, seed=seed, draws=draws, delta=delta) if draws else None
    return Computed(scores, intervals)


def robustness_of(gathered: GatheredInputs, computed: Computed) -> dict[str, Any]:
    """How far the ranks depend on the assumptions, as plain data that the snapshot keeps (scoring.md §6)."""
    return assess(gathered, computed.scores, computed.intervals)


def node_rows(gathered: GatheredInputs, computed: Computed) -> Iterator[tuple[Any, ...]]:
    """For every city × node, cities first: place of the city, node code, then the columns of `COMPUTED`."""
    scores, codes = computed.scores, gathered.tree.codes
    cities, nodes = scores.score.shape
    low, high = (np.zeros((cities, nodes), dtype=np.int32) for _ in range(2))
    if computed.intervals is not None:
        low[:, 0], high[:, 0] = computed.intervals.low, computed.intervals.high
    return zip(
        np.repeat(np.arange(cities), nodes).tolist(),
        list(codes) * cities,
        _STATE_WORDS[scores.state].ravel().tolist(),
        *(
            _listed(column, np.isnan(column))
            for column in (
                scores.self_score, scores.score, scores.effective_weight, scores.points, scores.points_lost,
            )
        ),
        *(_listed(column, column == 0) for column in (scores.rank, low, high)),
        strict=True,
    )  # fmt: skip


def _listed(column: NDArray[Any], empty: NDArray[np.bool_]) -> list[Any]:
    listed = column.astype(object)
    listed[empty] = None
    plain: list[Any] = listed.ravel().tolist()
    return plain


def store_node_scores(snapshot: ResultSnapshot, gathered: GatheredInputs, computed: Computed) -> int:
    """Write a row per city × node, inside the caller's transaction; the number of rows.

    One prepared statement, or a COPY: a model per row would take ten times as long.
    """
    names = ("snapshot_id", "submission_id", "node_code", *COMPUTED)
    table, *columns = (connection.ops.quote_name(name) for name in (NodeScore._meta.db_table, *names))
    marks = ", ".join(["%s"] * len(names))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 — names from the model
    submissions = gathered.submission_ids
    rows = [
        (snapshot_id, submissions[city], *rest)
        for snapshot_id, (city, *rest) in zip(
            repeat(snapshot.pk), node_rows(gathered, computed), strict=False
        )
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany(statement, rows)
    return len(rows)


def method_of(data: dict[str, Any], computed: Computed) -> dict[str, Any]:
    """What the method page says without unpacking the inputs: rules, edition, and who took part."""
    edition, cities = data["edition"], data["inputs"]["cities"]
    return {
        "rules": data["method"],
        "edition": {
            **{name: edition[name] for name in ("code", "edition", "name_zh", "source", "provenance")},
            "sha256": digest(canonical_json(edition)),  # which state of a draft a pilot was computed on
        },
        "cities": len(cities),
        "ranked": int(np.count_nonzero(computed.scores.rank[:, 0])),
        "not_submitted": [code for code, _, submitted in cities if not submitted],
        "seats": data["inputs"]["seats"],
    }


# --- verifying -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was: where, what, the value in the snapshot and the value found now."""

    what: str
    stored: str
    found: str
    city: str = ""
    node: str = ""

    def __str__(self) -> str:
        where = " ".join(
            part for part in (self.city and f"城市 {self.city}", self.node and f"指标 {self.node}") if part
        )
        return f"{where + '，' if where else ''}{self.what}：快照为 {self.stored}，现为 {self.found}"


def verify(snapshot: ResultSnapshot) -> list[Difference]:
    """What has changed since the snapshot was computed; nothing, when everything is as it was.

    Checked are the digest of the stored inputs, the stored scores against a recomputation from those inputs, and
    the stored inputs against what the database holds now.
    """
    try:
        canonical = unpack(snapshot)
        data = json.loads(canonical)
        stored = from_payload(data)
        rules = data["method"]
        computed = compute(stored, seed=rules["seed"], draws=rules["draws"], delta=rules["delta"])
    except (zlib.error, ValueError, KeyError, TypeError, IndexError, InputError, TreeError) as error:
        return [Difference("存档的输入", "可读取并可计算", f"无法读取或计算（{error}）")]
    found = list(_digest_differences(snapshot, canonical, data, computed))
    found += _score_differences(snapshot, stored, computed)
    again = robustness_of(stored, computed)
    found += [
        Difference(f"存档的{what}与重算不符", _shown(old), f"重算 {_shown(new)}", city)
        for city, what, old, new in robustness_differences(snapshot.robustness, again)
    ]
    now = gather(snapshot.round)
    found += input_differences(
        data, payload(now, seed=rules["seed"], draws=rules["draws"], delta=rules["delta"])
    )
    return found


def _digest_differences(
    snapshot: ResultSnapshot, canonical: bytes, data: dict[str, Any], computed: Computed
) -> Iterator[Difference]:
    if digest(canonical) != snapshot.digest:
        yield Difference("输入摘要", snapshot.digest, digest(canonical))
    if snapshot.engine_version != ENGINE_VERSION:
        yield Difference("引擎版本", snapshot.engine_version, ENGINE_VERSION)
    if snapshot.engine_version != data["engine"]:
        yield Difference("记录的引擎版本", data["engine"], snapshot.engine_version)
    for name, label in (("seed", "随机种子"), ("draws", "模拟次数")):
        if getattr(snapshot, name) != data["method"][name]:
            yield Difference(label, _shown(data["method"][name]), _shown(getattr(snapshot, name)))
    expected = method_of(data, computed)
    for key in sorted(expected.keys() | snapshot.method.keys()):
        if expected.get(key) != snapshot.method.get(key):
            yield Difference(f"方法记录 {key}", _shown(expected.get(key)), _shown(snapshot.method.get(key)))


def _score_differences(
    snapshot: ResultSnapshot, stored: GatheredInputs, computed: Computed
) -> Iterator[Difference]:
    columns = ("submission__city__code", "node_code", *COMPUTED)
    rows = snapshot.node_scores.order_by().values_list(*columns).iterator(chunk_size=10_000)
    left = {(city, node): values for city, node, *values in rows}
    for place, node, *expected in node_rows(stored, computed):
        city = stored.inputs.cities[place]
        values = left.pop((city, node), None)
        if values is None:
            yield Difference("存档的得分", "已删除", "重算有此得分", city, node)
        elif values != expected:
            for name, value, again in zip(COMPUTED, values, expected, strict=True):
                if value != again:
                    yield Difference(
                        f"存档的{_LABELS[name]}与重算不符", _shown(value), f"重算 {_shown(again)}", city, node
                    )
    for city, node in left:
        yield Difference("存档的得分", "多出此行", "重算无此得分", city, node)


def input_differences(stored: dict[str, Any], now: dict[str, Any]) -> list[Difference]:
    """Where two payloads differ, named by city and indicator."""
    found = list(_dict_differences("指标体系", stored["edition"], now["edition"], skip="indicators"))
    found += _indicator_differences(stored["edition"]["indicators"], now["edition"]["indicators"])
    found += _dict_differences("规则", stored["method"], now["method"])
    found += _city_differences(stored["inputs"], now["inputs"])
    old, new = _cells(stored["inputs"]), _cells(now["inputs"])
    shared = {city for city, _, _ in stored["inputs"]["cities"]} & {
        city for city, _, _ in now["inputs"]["cities"]
    }
    for key in [*old, *(key for key in new if key not in old)]:
        city, node, what = key
        if city in shared and old.get(key) != new.get(key):
            found.append(Difference(what, _shown(old.get(key)), _shown(new.get(key)), city, node))
    return found


def _dict_differences(
    what: str, stored: dict[str, Any], now: dict[str, Any], *, skip: str = "", node: str = ""
) -> Iterator[Difference]:
    for key in sorted(stored.keys() | now.keys()):
        if key != skip and stored.get(key) != now.get(key):
            label = f"{what} {_KEYS.get(key, key)}"
            yield Difference(label, _shown(stored.get(key)), _shown(now.get(key)), node=node)


def _indicator_differences(stored: list[dict[str, Any]], now: list[dict[str, Any]]) -> Iterator[Difference]:
    old, new = ({node["code"]: node for node in nodes} for nodes in (stored, now))
    for code in [*old, *(code for code in new if code not in old)]:
        if code not in new:
            yield Difference("指标", "有", "无", node=code)
        elif code not in old:
            yield Difference("指标", "无", "有", node=code)
        else:
            yield from _dict_differences("指标", old[code], new[code], node=code)
    if old.keys() == new.keys() and list(old) != list(new):
        yield Difference("指标次序", "、".join(old), "、".join(new))


def _city_differences(stored: dict[str, Any], now: dict[str, Any]) -> Iterator[Difference]:
    old, new = (
        {code: (name, submitted) for code, name, submitted in data["cities"]} for data in (stored, now)
    )
    for code in sorted(old.keys() | new.keys()):
        if code not in new or code not in old:
            yield Difference("参评城市", "有" if code in old else "无", "有" if code in new else "无", code)
            continue
        for label, before, after in zip(("名称", "已提交"), old[code], new[code], strict=True):
            if before != after:
                yield Difference(label, _shown(before), _shown(after), code)


def _cells(inputs: dict[str, Any]) -> dict[tuple[str, str, str], Any]:
    """Every answer, mark, acceptance and ruling that is there, by city, leaf and what it is."""
    cities, leaves = [code for code, _, _ in inputs["cities"]], inputs["leaves"]
    cells: dict[tuple[str, str, str], Any] = {}
    for city, values, states, versions in zip(
        cities, inputs["values"], inputs["states"], inputs["versions"], strict=True
    ):
        for leaf, value, state, version in zip(leaves, values, states, versions, strict=True):
            cells[city, leaf, "填报内容"] = value if value is not None else _STATE_LABELS[State(state).word]
            cells[city, leaf, "填报版本"] = version
    for seat, layer in zip(inputs["seats"], inputs["marks"], strict=True):
        for city, marks in zip(cities, layer, strict=True):
            for leaf, mark in zip(leaves, marks, strict=True):
                if mark is not None:
                    cells[city, leaf, f"评分 R{seat}"] = mark
    for seat, city, leaf in inputs["accepts_not_applicable"]:
        cells[cities[city], leaves[leaf], f"评分 R{inputs['seats'][seat]}"] = "同意不适用"
    for city, leaf, value, number, reason in inputs["rulings"]:
        where = cities[city], leaves[leaf]
        cells[*where, "裁定"] = "同意不适用" if value is None else value
        cells[*where, "裁定编号"], cells[*where, "裁定理由"] = number, reason
    return cells


_KEYS = {
    "weight": "权重", "points": "分值", "curve": "评分曲线", "normalise": "归一化", "direction": "方向", "levels": "评分等级",
    "items": "要点", "parent": "上级编号", "kind": "类型", "unit": "单位", "aggregation": "汇总方式", "missing": "缺失处理",
    "minimum_share": "最低数据占比", "floor": "几何下限", "bonus_cap": "加分上限", "rank_decimals": "排名小数位",
    "panel": "评审汇总", "unreviewed": "未评审的指标", "grade_bands": "等级划分", "name_zh": "名称", "code": "编号", "edition": "版本",
}  # fmt: skip


def _shown(value: Any) -> str:
    if value is None:
        return "无"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, str):
        return _STATE_LABELS.get(value, value) or "空"
    return json.dumps(value, ensure_ascii=False)


def differences_as_lines(differences: Iterable[Difference]) -> str:
    return "\n".join(str(difference) for difference in differences)
