"""Forms of the reviewer and the administrator."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from cities.answers import Content, Problem
from cities.forms import add_value_fields
from cities.models import Answer, City, Round
from indicators.models import Framework, Indicator, Missing
from scoring.models import Mark

CONFIRM = "confirm"
JUDGE = "judge"


class MarkForm(forms.Form):
    """One reviewer's judgement of one leaf, beside the answer it judges."""

    answer_version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    reason = forms.CharField(label=_("评审意见"), required=False, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, indicator: Indicator, answer: Answer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.indicator, self.answer = indicator, answer
        add_value_fields(self, indicator, label=_("认定值"))
        claims_not_applicable = answer.value_state == Answer.ValueState.NOT_APPLICABLE
        if claims_not_applicable or indicator.kind == Indicator.Kind.QUANTITY:
            confirm = _("同意不适用") if claims_not_applicable else _("确认填报值")
            judge = _("不同意，按下面的认定评分") if claims_not_applicable else _("填写认定值")
            self.fields["decision"] = forms.ChoiceField(
                label=_("认定"),
                choices=[(CONFIRM, confirm), (JUDGE, judge)],
                widget=forms.RadioSelect,
                required=False,
            )
        self.order_fields(["answer_version", "decision", "level", "items", "value_text", "reason"])

    @classmethod
    def initial_of(cls, mark: Mark | None, answer: Answer) -> dict[str, Any]:
        if mark is None:
            return {"answer_version": answer.version}
        confirmed = mark.accepts_not_applicable or (mark.value is not None and mark.value == answer.value)
        return {
            "answer_version": answer.version, "level": mark.level, "items": mark.item_list,
            "value_text": mark.value_text, "reason": mark.reason,
            "decision": CONFIRM if confirmed else JUDGE if mark.value_text else "",
        }  # fmt: skip

    @property
    def accepts_not_applicable(self) -> bool:
        return (
            self.answer.value_state == Answer.ValueState.NOT_APPLICABLE
            and self.cleaned_data.get("decision") == CONFIRM
        )

    def content(self) -> Content:
        data = self.cleaned_data
        value_text = data.get("value_text", "")
        if data.get("decision") == CONFIRM and self.indicator.kind == Indicator.Kind.QUANTITY:
            value_text = self.answer.value_text
        return Content(
            value_text=value_text,
            level=data.get("level", ""),
            items=";".join(data.get("items", [])),
            reason=data.get("reason", "").replace("\r\n", "\n"),
        )

    def add_problems(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)


class EditionField(forms.ModelChoiceField):
    """An edition; a draft says so, and the action refuses it for any round but a pilot."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} · {obj.get_status_display()}" if obj.is_draft else str(obj)


class RoundForm(forms.Form):
    """A new round; the framework edition and the rules it declares cannot change afterwards."""

    code = forms.SlugField(
        label=_("代码"), max_length=64, help_text=_("字母、数字、连字符，用于网址与文件名。")
    )
    name = forms.CharField(label=_("名称"), max_length=200)
    framework = EditionField(label=_("指标体系"), queryset=Framework.objects.none())
    is_pilot = forms.BooleanField(
        label=_("试点轮次"),
        required=False,
        help_text=_("只有试点轮次可以使用草案；所有页面、图表、导出和结果都会标明“试点”。"),
    )
    year = forms.IntegerField(label=_("评价年度"), min_value=1990, max_value=2100)
    opens_at = forms.DateTimeField(
        label=_("开始填报"), required=False, help_text=_("北京时间，例如 2026-03-01 09:00；不填则立即开始。")
    )
    closes_at = forms.DateTimeField(
        label=_("截止填报"), required=False, help_text=_("北京时间；不填则不设截止时间。")
    )
    missing = forms.ChoiceField(
        label=_("缺失处理"), required=False, choices=[("", _("随指标体系的规定")), *Missing.choices]
    )
    panel = forms.ChoiceField(label=_("评审汇总"), choices=Round.Panel.choices)
    unreviewed = forms.ChoiceField(
        label=_("未评审的指标"), choices=Round.Unreviewed.choices, initial=Round.Unreviewed.BLOCK
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        framework = cast(forms.ModelChoiceField, self.fields["framework"])
        framework.queryset = Framework.objects.exclude(status=Framework.Status.RETIRED)


class EnrolForm(forms.Form):
    cities = forms.ModelMultipleChoiceField(
        label=_("选择参评城市"), queryset=City.objects.none(), widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("请至少选择一个城市。")},
    )  # fmt: skip

    def __init__(self, *args: Any, round_: Round, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cities = cast(forms.ModelMultipleChoiceField, self.fields["cities"])
        cities.queryset = City.objects.exclude(submissions__round=round_)


class AssignForm(forms.Form):
    reviewer = forms.ModelChoiceField(
        label=_("评审专家"),
        queryset=User.objects.filter(is_active=True, role__in=[User.Role.REVIEWER, User.Role.MODERATOR]),
        error_messages={"required": _("请选择评审专家。")},
    )
