"""What an export shall hold, as it stands in an address."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cities.models import City
from scoring.exports.contents import ALL, DIMENSIONS, TOTALS, Contents
from scoring.models import NodeScore, ResultSnapshot
from scoring.peers import SIZES, places_of

FORMATS = {
    "xlsx": gettext_lazy("Excel 工作簿（小计、总分和名次为公式）"),
    "csv": gettext_lazy("CSV 长表（每个城市、每个节点一行）"),
    "json": gettext_lazy("JSON（与 CSV 同样的行，附轮次、方法和快照）"),
    "zip": gettext_lazy("以上全部与数据字典（ZIP）"),
}
EVERY, PEERS, CHOSEN = "all", "peers", "chosen"
_PARTS = {
    "self": gettext_lazy("自评得分"),
    "review": gettext_lazy("各席位评审得分（R1、R2 …）与裁定"),
    "final": gettext_lazy("最终得分"),
    "comments": gettext_lazy("评审意见（按席位，不含姓名）"),
    "evidence": gettext_lazy("佐证材料目录"),
}
_USUAL = {
    "scope": [EVERY], "nodes": [ALL], "derivations": ["auto"], "format": ["xlsx"],
    "part": ["self", "review", "final", "evidence"],
}  # fmt: skip


class ExportForm(forms.Form):
    """The choice of an export; what the address does not say is as usual."""

    format = forms.ChoiceField(
        label=gettext_lazy("格式"), choices=list(FORMATS.items()), widget=forms.RadioSelect
    )
    scope = forms.ChoiceField(
        label=gettext_lazy("城市"),
        choices=[
            (EVERY, gettext_lazy("全部城市")),
            (PEERS, gettext_lazy("同类城市（按下面的级别、区域、人口）")),
            (CHOSEN, gettext_lazy("只要选中的城市")),
        ],
        widget=forms.RadioSelect,
    )
    level = forms.ChoiceField(
        label=gettext_lazy("级别"), required=False, choices=[("", gettext_lazy("不限")), *City.Level.choices]
    )
    region = forms.ChoiceField(
        label=gettext_lazy("区域"), required=False, choices=[("", gettext_lazy("不限")), *City.Region.choices]
    )
    size = forms.ChoiceField(
        label=gettext_lazy("常住人口"), required=False,
        choices=[("", gettext_lazy("不限")), *((key, name) for key, name, _start in SIZES)],
    )  # fmt: skip
    c = forms.MultipleChoiceField(label=gettext_lazy("选中的城市"), required=False)
    nodes = forms.ChoiceField(
        label=gettext_lazy("列"),
        choices=[
            (ALL, gettext_lazy("全部节点（小计为公式）")),
            (DIMENSIONS, gettext_lazy("总分和各维度（数值）")),
            (TOTALS, gettext_lazy("只要总分（数值）")),
        ],
        widget=forms.RadioSelect,
    )
    part = forms.MultipleChoiceField(
        label=gettext_lazy("工作簿的内容"), required=False, choices=list(_PARTS.items()),
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    derivations = forms.ChoiceField(
        label=gettext_lazy("推导"),
        choices=[
            ("auto", gettext_lazy("三万行以内时附上")),
            ("all", gettext_lazy("全部推导（城市多时需要几分钟）")),
            ("none", gettext_lazy("不要")),
        ],
    )

    def __init__(self, asked: QueryDict, snapshot: ResultSnapshot) -> None:
        data = asked.copy()
        for name, value in _USUAL.items():
            # an unticked box is not sent: only a form that was not sent at all has the usual parts
            if name not in data and not (name == "part" and "scope" in asked):
                data.setlist(name, list(value))
        super().__init__(data)
        self.snapshot = snapshot
        rows = NodeScore.objects.filter(snapshot=snapshot, node_code=NodeScore.TOTAL)
        self.cities = list(
            rows.order_by("submission__city__code").values_list(
                "submission__city__code", "submission__city__name_zh"
            )
        )
        field = self.fields["c"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(code, f"{name} {code}") for code, name in self.cities]
        field.widget.attrs["size"] = min(max(len(self.cities), 4), 12)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        codes: frozenset[str] | None = None
        if cleaned["scope"] == CHOSEN:
            codes = frozenset(cleaned["c"])
            if not codes:
                self.add_error("c", _("请至少选择一个城市，或改选“全部城市”。"))
        if cleaned["scope"] == PEERS:
            codes = self._peers(cleaned)
            if not codes:
                self.add_error("scope", _("没有符合这些条件的城市，请放宽级别、区域或人口。"))
        cleaned["cities"] = codes
        return cleaned

    def _peers(self, cleaned: dict[str, Any]) -> frozenset[str]:
        known = {code for code, _name in self.cities}
        return frozenset(
            place.code
            for place in places_of(self.snapshot.round).values()
            if place.code in known
            and all(cleaned[kind] in ("", getattr(place, kind)) for kind in ("level", "region", "size"))
        )

    @property
    def contents(self) -> Contents:
        """The choice of a valid form."""
        chosen, parts = self.cleaned_data, set(self.cleaned_data["part"])
        return Contents(
            cities=chosen["cities"],
            nodes=chosen["nodes"],
            own="self" in parts,
            reviews="review" in parts,
            final="final" in parts,
            comments="comments" in parts,
            evidence="evidence" in parts,
            derivations={"auto": None, "all": True, "none": False}[chosen["derivations"]],
        )
