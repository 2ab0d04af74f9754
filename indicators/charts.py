"""How the weights are shared, as plain data for Plotly, with a finding in words and a table that says the same."""

from typing import Any

from django.utils.translation import gettext as _

from indicators.queries import FrameworkTree, TreeRow

Figure = dict[str, Any]

#: from the whole inwards; deeper levels keep the last
_SHADES = ("#123C73", "#2F66A8", "#8FB2DA", "#E3ECF7")
_INKS = ("#FFFFFF", "#FFFFFF", "#1E242C", "#1E242C")
_ROW = 24  # px for a leaf
_LEAST, _MOST = 360, 1400
_LINE, _LATIN = 10, 0x2E80  # half-widths of a line; from here on characters are wide
_ROOT = "·"  # no code may be empty, and this one stands for none


def weights(tree: FrameworkTree) -> Figure | None:
    """An icicle of the global weights, what `_figure.html` shows; None while the weights cannot be computed.

    Bonus nodes stand outside the weights and outside the chart. Values are given for leaves only, so that each group
    is exactly the sum of what it holds.
    """
    shown = [row for row in tree.rows if row.global_weight is not None]
    if not shown:
        return None
    trace = {
        "type": "icicle",
        "ids": [_ROOT, *(row.indicator.code for row in shown)],
        "parents": ["", *(_parent(row) for row in shown)],
        "labels": [_("总分"), *(_label(row) for row in shown)],
        "values": [0.0, *((row.points or 0.0) if row.indicator.is_leaf else 0.0 for row in shown)],
        "text": [_("总分<br>100"), *(_text(row) for row in shown)],
        "hovertext": [_("总分：100 分"), *(_hover(row) for row in shown)],
        "branchvalues": "remainder",
        "sort": False,
        "textinfo": "text",
        "hoverinfo": "text",
        "tiling": {"orientation": "h"},
        "pathbar": {"visible": False},
        "marker": {
            "colors": [_SHADES[0], *(_shade(row.depth + 1) for row in shown)],
            "line": {"color": "#FFFFFF", "width": 1},
        },
        "textfont": {"size": 11, "color": [_INKS[0], *(_ink(row.depth + 1) for row in shown)]},
        "leaf": {"opacity": 1},
    }
    leaves = sum(row.indicator.is_leaf for row in shown)
    layout = {
        "height": max(_LEAST, min(_MOST, _ROW * leaves)),
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "uniformtext": {"minsize": 9, "mode": "hide"},
    }
    return {
        "id": "weights",
        "title": _("权重如何分配"),
        "finding": finding(tree),
        "data": {"data": [trace], "layout": layout},
        "table": _table(tree),
        "source": _source(tree),
        "csv_url": "",
    }


def finding(tree: FrameworkTree) -> str:
    """Which dimension weighs most, and how far the weights of single leaves lie apart."""
    roots = [row for row in tree.rows if row.depth == 0 and row.global_weight is not None]
    leaves = [row for row in tree.rows if row.indicator.is_leaf and row.global_weight is not None]
    if not roots or not leaves:
        return ""
    top = max(row.points or 0 for row in roots)
    first = [row for row in roots if abs((row.points or 0) - top) < _TIE]
    if len(first) == len(roots) and len(roots) > 1:
        words = _("各维度权重相同，均为 %(points)s 分") % {"points": _points(roots[0])}
    else:
        names = "”“".join(f"{row.indicator.code} {row.indicator.name_zh}" for row in first)
        words = _("权重最大的维度是“%(names)s”（%(points)s 分）") % {
            "names": names,
            "points": _points(first[0]),
        }
    most = max(leaves, key=lambda row: row.points or 0)
    least = min(leaves, key=lambda row: row.points or 0)
    if (most.points or 0) - (least.points or 0) < _TIE:
        return words + _("；各末级指标权重相同。")
    return words + _("；末级指标中权重最大的是“%(most)s”（%(high)s 分），最小的为 %(low)s 分。") % {
        "most": f"{most.indicator.code} {most.indicator.name_zh}",
        "high": _points(most),
        "low": _points(least),
    }


_TIE = 1e-9


def _table(tree: FrameworkTree) -> dict[str, Any]:
    below = dict.fromkeys((root.code for root in tree.dimensions), 0)
    for leaf in tree.leaves:
        root = tree.dimension_of(leaf).code
        if root in below:
            below[root] += not tree.row(leaf.code).is_bonus
    rows = [
        [f"{root.code} {root.name_zh}", _points(tree.row(root.code)), below[root.code]]
        for root in tree.dimensions
    ]
    return {"columns": [_("维度"), _("分值"), _("末级指标")], "rows": rows, "numeric": [1, 2]}


def _source(tree: FrameworkTree) -> str:
    framework = tree.framework
    words = _("依据：%(framework)s") % {"framework": framework}
    first = framework.provenance.partition("。")[0]
    return f"{words} · {first}" if first else words


def _parent(row: TreeRow) -> str:
    return row.indicator.parent.code if row.indicator.parent else _ROOT


def _label(row: TreeRow) -> str:
    return _escaped(f"{row.indicator.code} {row.indicator.name_zh}")


def _text(row: TreeRow) -> str:
    """What stands in the box: names for dimensions only, in short lines, for the columns are narrow."""
    head = f"{_escaped(row.indicator.code)} · {_points(row)}"
    if row.depth == 0:
        return "<br>".join([head, *(_escaped(line) for line in _lines(row.indicator.name_zh))])
    return head


def _lines(name: str) -> list[str]:
    """A name in lines of five Chinese or ten Latin characters."""
    lines, width = [""], 0
    for char in name:
        wide = 2 if ord(char) > _LATIN else 1
        if width + wide > _LINE:
            lines.append("")
            width = 0
        lines[-1] += char
        width += wide
    return lines


def _hover(row: TreeRow) -> str:
    return _escaped(f"{row.indicator.code} {row.indicator.name_zh}：{_points(row)} 分")


def _escaped(text: str) -> str:
    """Names come from people, and Plotly reads mark-up in labels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _points(row: TreeRow) -> str:
    return f"{round(row.points or 0, 2):g}"


def _shade(depth: int) -> str:
    return _SHADES[min(depth, len(_SHADES) - 1)]


def _ink(depth: int) -> str:
    return _INKS[min(depth, len(_INKS) - 1)]
