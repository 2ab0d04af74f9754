"""Forms of the editor: text throughout, as a draft keeps what can be kept; `indicators.storable` says what cannot."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from indicators.models import Aggregation, Indicator, Missing
from indicators.rows import ABOUT_HEADINGS, INDICATOR_HEADINGS

_AS_FRAMEWORK = _("随体系")
_NUMBERS = {
    "weight", "points", "evidence_min", "evidence_max_mb", "evidence_years", "minimum_share", "floor", "bonus_cap",
    "rank_decimals",
}  # fmt: skip
_AREAS = {
    "definition": 5,
    "evidence_hint": 3,
    "department_hint": 2,
    "basis": 3,
    "curve": 2,
    "source": 3,
    "provenance": 3,
}
_CHOICES: dict[str, list[tuple[str, Any]]] = {
    "kind": [("", _("（有下级指标）")), *Indicator.Kind.choices],
    "aggregation": [("", _AS_FRAMEWORK), *Aggregation.choices],
    "direction": [("1", _("正向：数值越大越好")), ("-1", _("逆向：数值越小越好"))],
    "missing": list(Missing.choices),
}
_HELP: dict[str, Any] = {
    "curve": _("数值:得分|数值:得分，例如 0:0|50:80|100:100；前面加 log; 则按对数插值。节点从小到大，得分在 0 到 100 之间。"),
    "normalise": _("留空则按评分曲线。与本轮各城市比较时填 minmax、minmax:下限:上限、zscore、rank、percentile 或 target:目标值。"),
    "direction": _("只用于与本轮各城市比较的指标；按曲线计分的逆向指标用下降的曲线。"),
    "aggregation": _("由下级得分汇总的方式。"),
    "evidence_min": _("填报时至少须有的佐证材料份数，0 为不要求。"),
    "evidence_kinds": _("扩展名，以分号分隔，例如 pdf;jpg。留空为不限。"),
    "evidence_max_mb": _("单个文件的上限，单位 MB。留空则随系统。"),
    "evidence_years": _("材料日期须在评价年度及其之前共几年内，例如 2 为本年度和上一年度。留空为不限。"),
    "points": _("同级指标一律填分值，或一律填权重；加分项为最高分。"),
    "minimum_share": _("0 到 1，例如 0.67：有数据的下级不足此占比时，上级不计分。留空为不要求。"),
    "floor": _("几何、调和平均时，低于此分的按此分计。"),
    "bonus_cap": _("加分合计的上限，留空为不限。"),
    "rank_decimals": _("名次按得分四舍五入到几位小数确定，0 到 9。"),
    "missing": _("轮次可另行规定。"),
    "provenance": _("凡展示、打印、导出本体系之处都会标明，例如“参考稿”。"),
}  # fmt: skip


def _form_field(name: str, label: str, *, of_framework: bool) -> forms.Field:
    common: dict[str, Any] = {"label": label, "required": False, "help_text": _HELP.get(name, "")}
    if name in _CHOICES or (name == "aggregation" and of_framework):
        choices = list(Aggregation.choices) if of_framework and name == "aggregation" else _CHOICES[name]
        return forms.ChoiceField(choices=choices, **common)
    if name in _AREAS:
        return forms.CharField(strip=False, widget=forms.Textarea(attrs={"rows": _AREAS[name]}), **common)
    attrs = {"autocomplete": "off", "class": "w-8" if name in _NUMBERS else "w-full"}
    if name in _NUMBERS:
        attrs["inputmode"] = "decimal"
    return forms.CharField(strip=False, widget=forms.TextInput(attrs=attrs), **common)


class _TextForm(forms.Form):
    """Shows values as they were typed; what is wrong with them is put in with `refuse`."""

    def __init__(self, values: Mapping[str, str], fields: Iterable[str], headings: Mapping[str, str]) -> None:
        super().__init__(data=None, initial=dict(values))
        for name in fields:
            self.fields[name] = _form_field(name, headings[name], of_framework=isinstance(self, SettingsForm))

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Mark fields whose text could not be stored, keeping the text."""
        if not any(name in self.fields for name in reasons):
            return
        self.is_bound, self.data = True, {name: self.initial.get(name, "") for name in self.fields}
        self.full_clean()
        self.errors.clear()  # only what could not be stored
        for name, reason in reasons.items():
            if name in self.fields:
                self.add_error(name, reason)


class NodeForm(_TextForm):
    """The fields of one indicator, but its levels and items."""

    def __init__(self, values: Mapping[str, str], fields: Iterable[str]) -> None:
        super().__init__(values, (name for name in fields if name in INDICATOR_HEADINGS), INDICATOR_HEADINGS)


class SettingsForm(_TextForm):
    """The framework's own fields."""

    def __init__(self, values: Mapping[str, str], fields: Iterable[str]) -> None:
        super().__init__(values, fields, ABOUT_HEADINGS)
