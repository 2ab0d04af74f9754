"""The sheets that the numbers stand on: weights, method, evidence, reasons, digest, derivations, dictionary."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from django.db.models import Q

from cities.models import Evidence, Submission
from indicators.workbook_safety import column_letters
from indicators.workbooks import heading
from scoring.derivation_sheets import (
    DERIVATION_COLUMNS,
    ROBUSTNESS_COLUMNS,
    derivation_rows,
    robustness_rows,
)
from scoring.exports.book import FIRST_NODE, WEIGHT_ROW, Book, Column, cached, write_rows
from scoring.exports.dictionary import COLUMNS as DICTIONARY_COLUMNS
from scoring.exports.dictionary import dictionary_rows
from scoring.exports.rows import Formula
from scoring.formulas import column_order
from scoring.models import Mark, ReviewAssignment
from scoring.words import AGGREGATIONS

_KINDS = {"quantity": "定量", "rubric": "等级", "checklist": "要点", "bonus": "加分"}
_LAST_ROW = 1_048_575


def weights(book: Book) -> None:
    """A row per node; beside it the weights once more, side by side, as the formulas of 得分 need them."""
    tree, order = book.tree, column_order(book.tree)
    columns = [
        Column(heading("编号", "code"), 12), Column(heading("名称", "name"), 36), Column(heading("上级编号", "parent"), 12),
        Column(heading("层级", "depth"), 8, "whole"), Column(heading("类型", "kind"), 10),
        Column(heading("同级权重", "weight"), 12, "weight"), Column(heading("全局权重", "global_weight"), 12, "weight"),
        Column(heading("分值", "points"), 10, "score"), Column(heading("汇总方式", "aggregation"), 12),
        Column(heading("声明的权重", "declared_weight"), 12), Column(heading("声明的分值", "declared_points"), 12),
        Column("", 3), Column("横排（得分表引用） →", 20),
        *(Column(tree.codes[node], 10, "weight") for node in order),
    ]  # fmt: skip
    sheet = book.start("权重", columns, freeze=(1, 2))
    across = [
        None if tree.is_bonus[node] else Formula(f"=F{node + 2}", cached(tree.local_weight[node], ""))
        for node in order
    ]
    declared = {one["code"]: one for one in book.gathered.edition["indicators"]}
    write_rows(
        sheet,
        (
            [*_weight_cells(book, node, declared), None, None, *(across if node == WEIGHT_ROW - 2 else [])]
            for node in range(len(tree.codes))
        ),
    )
    sheet.print_area(0, 0, len(tree.codes), 10)


def _weight_cells(book: Book, node: int, declared: dict[str, Any]) -> list[Any]:
    tree, spec = book.tree, book.tree.specs[node]
    content = declared.get(spec.code, {})
    is_bonus, is_leaf = bool(tree.is_bonus[node]), not tree.children[node]
    points = (
        float(tree.bonus_maximum[node]) if is_bonus and is_leaf else 100 * float(tree.global_weight[node])
    )
    return [
        spec.code, book.gathered.node_names[spec.code], spec.parent, int(tree.depth[node]),
        _KINDS.get(spec.kind, ""), float(tree.local_weight[node]), float(tree.global_weight[node]), points,
        "" if is_leaf or is_bonus else AGGREGATIONS[tree.rule(node, book.gathered.rules).value],
        _number(content.get("weight")), _number(content.get("points")),
    ]  # fmt: skip


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def method(book: Book) -> None:
    columns = [
        Column("项目", 24, text="wrap"),
        Column("内容", 60, text="wrap"),
        Column("说明", 60, text="wrap"),
    ]
    write_rows(book.start("方法", columns, freeze=(1, 0)), book.method)


def evidence(book: Book) -> None:
    if "佐证材料目录" not in book.sheets:
        return
    columns = [
        Column(heading("城市代码", "city_code"), 14), Column(heading("城市", "city"), 16),
        Column(heading("指标编号", "code"), 12), Column(heading("材料编号", "number"), 14),
        Column(heading("文件名", "filename"), 40),
        Column(heading("页码", "locator"), 20), Column(heading("字节数", "size"), 12, "whole"), Column("SHA-256", 66),
    ]  # fmt: skip
    write_rows(book.start("佐证材料目录", columns, freeze=(1, 2)), _evidence_rows(book))


def _evidence_rows(book: Book) -> Iterator[list[Any]]:
    """What was there when the result was computed, also what was deleted later."""
    rows = (
        Evidence.objects.filter(
            Q(deleted_at=None) | Q(deleted_at__gt=book.snapshot.created_at),
            submission__round=book.snapshot.round,
            submission__status__in=Submission.HANDED_IN,
            added_at__lte=book.snapshot.created_at,
        )
        .order_by("submission__city__code", "indicator__position", "sequence")
        .values_list(
            "submission__city__code", "submission__city__name_zh", "indicator__code", "sequence", "filename",
            "locator", "file__size", "file__sha256",
        )
    )  # fmt: skip
    chosen = book.contents.cities
    for code, city, node, sequence, *rest in rows.iterator():
        if chosen is None or code in chosen:
            yield [code, city, node, f"{node}-{sequence:02d}", *rest]


def comments(book: Book) -> None:
    """What the reviewers wrote, by seat and never by name, of finished reviews."""
    if "评审意见" not in book.sheets:
        return
    columns = [
        Column(heading("城市代码", "city_code"), 14), Column(heading("城市", "city"), 16),
        Column(heading("指标编号", "code"), 12), Column(heading("指标", "indicator"), 30),
        Column(heading("席位", "seat"), 8), Column(heading("认定值", "value"), 10), Column(heading("等级", "level"), 8),
        Column(heading("评审意见", "reason"), 80, text="wrap"), Column(heading("出处", "source"), 30, text="wrap"),
        Column(heading("填报版本", "version"), 10, "whole"),
    ]  # fmt: skip
    write_rows(book.start("评审意见", columns, freeze=(1, 4)), _comment_rows(book))


def _comment_rows(book: Book) -> Iterator[list[Any]]:
    rows = (
        Mark.objects.filter(
            assignment__submission__round=book.snapshot.round,
            assignment__submission__status__in=Submission.HANDED_IN,
            assignment__status=ReviewAssignment.Status.FINISHED,
            status=Mark.Status.DONE,
        )
        .exclude(reason="", source="")
        .order_by("assignment__submission__city__code", "indicator__position", "assignment__seat")
        .values_list(
            "assignment__submission__city__code", "indicator__code", "assignment__seat", "value", "level", "reason",
            "source", "answer_version",
        )
    )  # fmt: skip
    cities = dict(zip(book.gathered.inputs.cities, book.gathered.city_names, strict=True))
    chosen, names = book.contents.cities, book.gathered.node_names
    for written, (city, node, seat, *rest) in enumerate(rows.iterator(chunk_size=5_000)):
        if written >= _LAST_ROW:
            return
        if city in cities and (chosen is None or city in chosen):
            yield [city, cities[city], node, names.get(node, ""), f"R{seat}", *rest]


def check(book: Book) -> None:
    """The digest, and every stored total beside what the formulas make of it now."""
    columns = [
        Column("项目", 24), Column("内容", 70), Column("城市代码", 14), Column("城市", 16),
        Column("存档总分", 12, "score"), Column("表内总分", 12, "score"), Column("差", 12),
    ]  # fmt: skip
    last, total = len(book.places) + 1, column_letters(FIRST_NODE)
    items: list[list[Any]] = [
        ["摘要 SHA-256", book.snapshot.digest], ["快照编号", book.snapshot.pk], ["引擎版本", book.snapshot.engine_version],
        ["最大差", Formula(f"=MAX(G2:G{last},0)", 0.0)],
        ["说明", "摘要由指标体系、规则、填报内容与版本、评分和引擎版本的规范 JSON 计算；“差”为表内公式重算与存档的差的绝对值。"],
    ]  # fmt: skip

    def rows() -> Iterator[list[Any]]:
        for place in range(max(len(items), len(book.places))):
            cells = items[place] if place < len(items) else [None, None]
            if place < len(book.places):
                city, row = book.places[place], place + 2
                stored = float(book.results.score[city, 0])
                cells = [
                    *cells, book.gathered.inputs.cities[city], book.gathered.city_names[city], stored,
                    Formula(f"=得分!{total}{row}", book.cached_score(city, 0)),
                    Formula(
                        f'=IF(AND(ISNUMBER(E{row}),ISNUMBER(F{row})),ABS(E{row}-F{row}),"")',
                        "" if np.isnan(stored) else 0.0,
                    ),
                ]  # fmt: skip
            yield cells

    write_rows(book.start("校验", columns, freeze=(1, 0)), rows())


def derivations(book: Book) -> None:
    if "推导" not in book.sheets:
        return
    widths = (14, 16, 12, 30, 10, 80, 80)
    columns = [Column(title, width, "score") for title, width in zip(DERIVATION_COLUMNS, widths, strict=True)]
    sheet = book.start("推导", columns, freeze=(1, 4))
    contents = book.contents
    write_rows(sheet, derivation_rows(book.results, everything=contents.derivations, cities=contents.cities))


def robustness(book: Book) -> None:
    columns = [Column(title, 40 if not place else 18) for place, title in enumerate(ROBUSTNESS_COLUMNS)]
    write_rows(book.start("稳健性", columns, freeze=(1, 1)), robustness_rows(book.snapshot.robustness))


def dictionary(book: Book) -> None:
    widths = (30, 10, 24, 60, 44)
    columns = [
        Column(title, width, text="wrap") for title, width in zip(DICTIONARY_COLUMNS, widths, strict=True)
    ]
    write_rows(book.start("数据字典", columns, freeze=(1, 1)), dictionary_rows())
