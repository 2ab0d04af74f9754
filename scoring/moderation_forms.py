"""Forms of moderating and appealing. They keep whatever was typed; what is wrong is said by the actions."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from cities.answers import Content, Problem
from cities.evidence import ACCEPT, FORMATS
from cities.forms import add_value_fields
from indicators.models import Indicator
from scoring.models import Ruling
from scoring.moderation import Side

RULE = "rule"
AWAY = "away"


class ProblemForm(forms.Form):
    """A form that is told by an action what is wrong."""

    def add_problems(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)


def _text(label: Any, rows: int = 4, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": rows}), **options
    )


class RulingForm(ProblemForm):
    """What is ruled: a value as in a mark, or that the indicator does not apply; always with a reason."""

    replaces = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)
    decision = forms.ChoiceField(
        label=_("裁定"),
        choices=[(RULE, _("按下面的结果计分")), (AWAY, _("不适用：不计入，权重由同级指标分担"))],
        widget=forms.RadioSelect,
        required=False,
        initial=RULE,
    )

    def __init__(self, *args: Any, indicator: Indicator, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        add_value_fields(self, indicator, label=_("裁定的数值"))
        self.fields["reason"] = _text(_("裁定理由"), help_text=_("城市会看到裁定理由，请不要写专家的姓名。"))
        self.order_fields(["replaces", "decision", "level", "items", "value_text", "reason"])

    @classmethod
    def initial_of(cls, ruling: Ruling | None) -> dict[str, Any]:
        if ruling is None:
            return {"replaces": 0}
        return {
            "replaces": ruling.pk, "decision": AWAY if ruling.accepts_not_applicable else RULE,
            "level": ruling.level, "items": ruling.item_list, "value_text": ruling.value_text,
        }  # fmt: skip

    @property
    def accepts_not_applicable(self) -> bool:
        return bool(self.cleaned_data.get("decision") == AWAY)

    def content(self) -> Content:
        data = self.cleaned_data
        return Content(
            value_text=data.get("value_text", ""),
            level=data.get("level", ""),
            items=";".join(data.get("items", [])),
            reason=data.get("reason", "").replace("\r\n", "\n"),
        )


class AskForm(ProblemForm):
    """Whom to ask to look again, what for, and until when."""

    assignments = forms.MultipleChoiceField(
        label=_("请哪几位专家复议"), required=False, widget=forms.CheckboxSelectMultiple
    )
    note = _text(
        _("复议说明"),
        help_text=_("专家会看到这段说明，看不到其他专家的评分。请不要写出其他专家的评分或意见。"),
    )
    due_at = forms.DateTimeField(label=_("复议截止"), help_text=_("北京时间，例如 2026-03-01 18:00。"))

    def __init__(self, *args: Any, sides: Sequence[Side], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.MultipleChoiceField, self.fields["assignments"])
        field.choices = [
            (str(one.assignment.pk), f"R{one.assignment.seat} {one.assignment.reviewer}")
            for one in sides
            if one.may_be_asked
        ]


class ReasonForm(ProblemForm):
    """A reason and nothing else."""

    reason = _text(_("理由"))

    def __init__(self, *args: Any, label: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if label is not None:
            self.fields["reason"].label = label


class ReleaseForm(ProblemForm):
    appeals_until = forms.DateTimeField(
        label=_("申诉截止"), help_text=_("北京时间，例如 2026-03-01 18:00。送出后只能延后，不能提前。")
    )


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files in one field; each is checked by the action that stores it."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        return [one for one in (data if isinstance(data, list | tuple) else [data]) if one]


class AppealForm(ProblemForm):
    """Why the city objects, with files that show it."""

    reason = _text(_("申诉理由"), rows=6, help_text=_("写明对哪一点有异议、依据是什么。"))
    attachments = FilesField(
        label=_("佐证材料"), required=False, help_text=_("可选多个文件；可上传 ") + FORMATS,
        widget=ManyFiles(attrs={"accept": ACCEPT}), allow_empty_file=True,
    )  # fmt: skip
