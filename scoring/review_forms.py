"""The reviewer's forms. They keep whatever was typed; what is wrong with a judgement is said by the action."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cities.answers import Content, Problem
from cities.forms import add_value_fields
from cities.models import Answer
from indicators.models import Indicator
from scoring.actions.phrases import LONGEST
from scoring.models import Mark

CONFIRM = "confirm"
JUDGE = "judge"


class MarkForm(forms.Form):
    """One reviewer's judgement of one leaf, beside the answer it judges."""

    answer_version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    version = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)
    reason = forms.CharField(label=_("评审意见"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    confidence = forms.TypedChoiceField(
        label=_("把握程度"),
        choices=[("", _("未选")), *Mark.Confidence.choices],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )
    field_order = [
        "answer_version", "version", "decision", "level", "items", "value_text", "source", "reason", "confidence",
    ]  # fmt: skip

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
        if indicator.kind == Indicator.Kind.QUANTITY:
            self.fields["source"] = forms.CharField(
                label=_("认定值的出处"),
                required=False,
                max_length=300,
                widget=forms.TextInput(attrs={"class": "w-full"}),
            )
        self.order_fields(self.field_order)

    @classmethod
    def initial_of(cls, mark: Mark | None, answer: Answer) -> dict[str, Any]:
        if mark is None:
            return {"answer_version": answer.version, "version": 0, "confidence": ""}
        confirmed = mark.accepts_not_applicable or (mark.value is not None and mark.value == answer.value)
        is_quantity = mark.indicator.kind == Indicator.Kind.QUANTITY
        return {
            "answer_version": answer.version, "version": mark.version, "level": mark.level, "items": mark.item_list,
            "value_text": "" if confirmed and is_quantity else mark.value_text,
            "reason": mark.reason, "source": mark.source, "confidence": mark.confidence or "",
            "decision": CONFIRM if confirmed else JUDGE if mark.value_text or mark.level or mark.items else "",
        }  # fmt: skip

    @property
    def accepts_not_applicable(self) -> bool:
        return (
            self.answer.value_state == Answer.ValueState.NOT_APPLICABLE
            and self.cleaned_data.get("decision") == CONFIRM
        )

    @property
    def found_in(self) -> str:
        confirmed = self.cleaned_data.get("decision") == CONFIRM
        return "" if confirmed else str(self.cleaned_data.get("source", ""))

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


class PhraseForm(forms.Form):
    text = forms.CharField(
        label=_("常用语"),
        max_length=LONGEST,
        error_messages={"required": _("请填写常用语。")},
        widget=forms.TextInput(attrs={"class": "w-full"}),
    )


class SupplementForm(forms.Form):
    """A question to the city about one indicator."""

    question = forms.CharField(
        label=_("需要城市补充的内容"),
        max_length=2000,
        error_messages={"required": _("请写明需要城市补充什么。")},
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    due_on = forms.DateField(
        label=_("答复期限"),
        required=False,
        error_messages={"invalid": _("请填写日期，例如 2026-05-20。")},
        widget=forms.DateInput(attrs={"type": "date"}),
    )
