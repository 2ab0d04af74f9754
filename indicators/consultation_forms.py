"""Forms of the consultation pages."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from indicators.consultation import LONGEST, CommentText
from indicators.models import Comment, Consultation, Framework


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "maxlength": LONGEST})


class SettingsForm(forms.Form):
    """Opening a consultation, and changing one."""

    title = forms.CharField(label=_("标题"), max_length=200, error_messages={"required": _("请填写标题。")})
    invitation = forms.CharField(
        label=_("征求意见说明"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("写明背景、希望各单位重点关注的问题和联系方式。"),
    )
    closes_at = forms.DateTimeField(
        label=_("截止时间"),
        error_messages={
            "required": _("请填写截止时间。"),
            "invalid": _("截止时间不是日期和时间。请写成 2026-03-01 17:00。"),
        },
        help_text=_("北京时间。"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    shares_comments = forms.BooleanField(
        label=_("征求意见期间，参与者可以看到彼此的意见"),
        required=False,
        help_text=_("只显示意见单位，不显示个人姓名。"),
    )

    @classmethod
    def initial_of(cls, consultation: Consultation) -> dict[str, Any]:
        return {name: getattr(consultation, name) for name in cls.base_fields}


class OrganisationForm(forms.Form):
    organisation = forms.CharField(
        label=_("意见单位"), max_length=200, error_messages={"required": _("请填写意见单位。")}
    )


class CommentForm(OrganisationForm):
    kind = forms.ChoiceField(
        label=_("意见类型"),
        choices=Comment.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择意见类型。")},
    )
    text = forms.CharField(
        label=_("意见内容"),
        max_length=LONGEST,
        widget=_area(4),
        error_messages={"required": _("请填写意见内容。")},
    )
    suggestion = forms.CharField(
        label=_("建议修改为"),
        required=False,
        max_length=LONGEST,
        widget=_area(3),
        help_text=_("建议的文字，或建议的分值、权重、评分曲线。"),
    )
    reason = forms.CharField(label=_("理由"), required=False, max_length=LONGEST, widget=_area(3))
    field_order = ["kind", "text", "suggestion", "reason", "organisation"]

    @classmethod
    def initial_of(cls, comment: Comment) -> dict[str, Any]:
        return {name: getattr(comment, name) for name in cls.base_fields}

    def content(self, code: str) -> CommentText:
        """What was typed, about the indicator of that code."""
        return CommentText(
            code, *(self.cleaned_data[name] for name in ("kind", "text", "suggestion", "reason"))
        )


class UploadForm(OrganisationForm):
    file = forms.FileField(
        label=_("意见表"),
        help_text=_("填好的 .xlsx 意见表。"),
        error_messages={"required": _("请选择文件。"), "empty": _("文件为空，请重新选择。")},
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}),
    )


class AnswerForm(forms.Form):
    """How one or several comments are answered."""

    outcome = forms.ChoiceField(
        label=_("处理意见"),
        choices=Comment.Outcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择采纳、部分采纳或不采纳。")},
    )
    reason = forms.CharField(
        label=_("理由"),
        max_length=LONGEST,
        widget=_area(4),
        error_messages={"required": _("请填写答复理由。")},
    )
    next_framework = forms.ModelChoiceField(
        label=_("对应修改的版本"),
        queryset=Framework.objects.none(),
        required=False,
        empty_label=_("（不对应修改）"),
        help_text=_("同一指标体系的其他版本。"),
    )
    next_code = forms.CharField(
        label=_("对应修改的指标编号"), required=False, max_length=64, help_text=_("该版本中的编号，例如 A1。")
    )

    def __init__(self, *args: Any, framework: Framework, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ModelChoiceField, self.fields["next_framework"])
        field.queryset = (
            Framework.objects.filter(code=framework.code).exclude(pk=framework.pk).order_by("-id")
        )
