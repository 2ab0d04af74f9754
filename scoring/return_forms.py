"""Forms with which the organisers give a submission back or prolong it."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cities.actions.returning import REMARK_LIMIT
from cities.models import LateDraft
from indicators.models import Indicator


def _moment(label: Any, help_text: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        help_text=help_text,
        widget=forms.DateTimeInput(format="%Y-%m-%d %H:%M", attrs={"class": "w-16", "autocomplete": "off"}),
        error_messages={
            "required": _("请填写截止时间。"),
            "invalid": _("截止时间无法识别。请写成 2026-03-01 18:00。"),
        },
    )


class ReturnForm(forms.Form):
    """Which leaves the city has to revise, each with a remark; `leaves` are the submission's, in order."""

    due_at = _moment(_("重新提交截止"), _("北京时间，例如 2026-03-01 18:00。"))
    reason = forms.CharField(
        label=_("总的说明"), required=False, max_length=REMARK_LIMIT, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, leaves: list[Indicator], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.leaves = leaves
        for leaf in leaves:
            self.fields[f"pick_{leaf.pk}"] = forms.BooleanField(
                label=f"{leaf.code} {leaf.name_zh}", required=False
            )
            self.fields[f"remark_{leaf.pk}"] = forms.CharField(
                label=_("退回意见"), required=False, max_length=REMARK_LIMIT,
                widget=forms.Textarea(attrs={"rows": 2, "aria-label": f"{leaf.code} {_('退回意见')}"}),
            )  # fmt: skip

    def rows(self) -> list[tuple[Indicator, Any, Any]]:
        """Leaf, box to tick, remark."""
        return [(leaf, self[f"pick_{leaf.pk}"], self[f"remark_{leaf.pk}"]) for leaf in self.leaves]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        picked = [leaf for leaf in self.leaves if data.get(f"pick_{leaf.pk}")]
        for leaf in self.leaves:
            remark, is_picked = (data.get(f"remark_{leaf.pk}") or "").strip(), leaf in picked
            if is_picked and not remark and f"remark_{leaf.pk}" not in self.errors:
                self.add_error(f"remark_{leaf.pk}", f"请写明对 {leaf.code} 的退回意见。")
            elif remark and not is_picked:
                self.add_error(
                    f"pick_{leaf.pk}", f"已写 {leaf.code} 的退回意见，但没有勾选。请勾选，或清空意见。"
                )
        if not picked and not self.errors:
            self.add_error(None, _("请至少勾选一项需要修改的指标。"))
        due_at = data.get("due_at")
        if isinstance(due_at, datetime) and due_at <= timezone.now():
            self.add_error("due_at", _("重新提交的截止时间应晚于现在。"))
        return data

    @property
    def remarks(self) -> dict[int, str]:
        """Indicator id -> remark, of what is ticked."""
        data = self.cleaned_data
        return {
            leaf.pk: data[f"remark_{leaf.pk}"].strip().replace("\r\n", "\n")
            for leaf in self.leaves
            if data[f"pick_{leaf.pk}"]
        }

    @property
    def picked(self) -> list[tuple[Indicator, str]]:
        remarks = self.remarks
        return [(leaf, remarks[leaf.pk]) for leaf in self.leaves if leaf.pk in remarks]


class ExtendForm(forms.Form):
    """A later deadline for one city, and the late drafts that it admits."""

    closes_at = _moment(_("延期至"), _("北京时间，例如 2026-03-05 18:00。"))
    reason = forms.CharField(
        label=_("原因"),
        max_length=REMARK_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("请写明延期的原因。")},
    )

    def __init__(self, *args: Any, drafts: list[LateDraft], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.drafts = drafts
        for draft in drafts:
            self.fields[f"admit_{draft.pk}"] = forms.BooleanField(
                label=f"{draft.answer.indicator.code} {draft.answer.indicator.name_zh}", required=False
            )

    def rows(self) -> list[tuple[LateDraft, Any]]:
        """Late draft, box to tick."""
        return [(draft, self[f"admit_{draft.pk}"]) for draft in self.drafts]

    @property
    def admitted(self) -> list[LateDraft]:
        return [draft for draft in self.drafts if self.cleaned_data[f"admit_{draft.pk}"]]
