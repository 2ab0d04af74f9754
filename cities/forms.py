"""The form of one answer. It keeps whatever was typed; what is wrong is said by `cities.answers`."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cities.answers import CONTENT_FIELDS, NARRATIVE_LIMIT, NONE_MET, Content, Problem
from cities.models import Answer
from indicators.models import ChecklistItem, Indicator, RubricLevel

State = Answer.ValueState


def level_card(level: RubricLevel) -> SafeString:
    return format_html(
        '<span class="card-title">{} {}</span><span class="card-meta">{}—{} 分</span>'
        '<span class="card-text">{}</span>',
        level.level, level.label, level.score_min, level.score_max, level.descriptor,
    )  # fmt: skip


def item_card(item: ChecklistItem) -> SafeString:
    return format_html(
        '<span class="card-title">{}. {}</span><span class="card-meta">{} 分</span>',
        item.item,
        item.text,
        item.score,
    )


def number_field(label: Any, help_text: Any = "") -> forms.CharField:
    """Text, not a number input: a draft keeps what was typed, and browsers drop what they cannot read."""
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "w-16"}),
    )


def level_field(indicator: Indicator, label: Any) -> forms.ChoiceField:
    choices = [(level.level, level_card(level)) for level in indicator.level_list]
    return forms.ChoiceField(label=label, required=False, choices=choices, widget=forms.RadioSelect)


def items_field(indicator: Indicator, label: Any) -> forms.MultipleChoiceField:
    choices = [(item.item, item_card(item)) for item in indicator.item_list]
    return forms.MultipleChoiceField(
        label=label,
        required=False,
        choices=[*choices, (NONE_MET, _("以上均未达到"))],
        widget=forms.CheckboxSelectMultiple,
    )


def add_value_fields(form: forms.Form, indicator: Indicator, *, label: Any) -> None:
    """Put the fields that an indicator's kind needs into `form`."""
    kind = Indicator.Kind(indicator.kind)
    has_levels = bool(indicator.level_list)
    if has_levels:
        form.fields["level"] = level_field(indicator, _("评分等级"))
        form.fields["value_text"] = number_field(_("等级内评分"), _("不填则按所选等级的最高分计。"))
    elif kind == Indicator.Kind.CHECKLIST:
        form.fields["items"] = items_field(indicator, _("已达到的要点"))
    elif kind == Indicator.Kind.BONUS:
        form.fields["value_text"] = number_field(label)
    else:
        form.fields["value_text"] = number_field(label)


class AnswerForm(forms.Form):
    """What a city enters for one leaf."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    value_state = forms.ChoiceField(
        label=_("填报方式"),
        choices=[
            (State.VALUE, _("填报")),
            (State.NOT_APPLICABLE, _("不适用")),
            (State.UNAVAILABLE, _("无法提供")),
        ],
        widget=forms.RadioSelect,
        required=False,
    )
    reason = forms.CharField(
        label=_("原因"),
        help_text=_("选择“不适用”或“无法提供”时请说明。"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    narrative = forms.CharField(
        label=_("情况说明"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "data-maxlength": NARRATIVE_LIMIT}),
    )
    field_order = ["version", "level", "items", "value_text", "value_state", "reason", "narrative"]

    def __init__(self, *args: Any, indicator: Indicator, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        add_value_fields(self, indicator, label=_("数值"))
        self.order_fields(self.field_order)

    @classmethod
    def initial_of(cls, answer: Answer) -> dict[str, Any]:
        state = State.VALUE if answer.value_state == State.BLANK else answer.value_state
        return {
            "version": answer.version, "value_state": state, "value_text": answer.value_text, "level": answer.level,
            "items": answer.item_list, "reason": answer.reason, "narrative": answer.narrative,
        }  # fmt: skip

    def content(self) -> Content:
        """What was typed. A browser sends line ends as CR LF; they are kept as LF so that versions compare."""
        data = self.cleaned_data
        return Content(
            value_state=data.get("value_state") or State.VALUE,
            value_text=data.get("value_text", ""),
            level=data.get("level", ""),
            items=";".join(data.get("items", [])),
            reason=data.get("reason", "").replace("\r\n", "\n"),
            narrative=data.get("narrative", "").replace("\r\n", "\n"),
        )

    def add_problems(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)


#: fields whose two texts can be merged by hand; a choice can only be made
MERGED_BY_HAND = ("value_text", "reason", "narrative")


class ConflictForm(forms.Form):
    """Both texts of each field that two people changed, and a choice per field; every other field rides along.

    For each field of the content there is either `keep_<field>`, or `mine_<field>`, `theirs_<field>`,
    `choice_<field>` and, for texts, `merged_<field>`.
    """

    MINE, THEIRS, MERGED = "mine", "theirs", "merged"

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    conflicting = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = self.data.get("conflicting", "") if self.is_bound else self.initial["conflicting"]
        self.names = [name for name in CONTENT_FIELDS if name in given.split(";")]
        for name in CONTENT_FIELDS:
            if name not in self.names:
                self.fields[f"keep_{name}"] = _riding_along(name)
                continue
            self.fields[f"mine_{name}"] = _riding_along(name)
            self.fields[f"theirs_{name}"] = _riding_along(name)
            choices = [(self.MINE, _("保留我的")), (self.THEIRS, _("采用对方"))]
            if name in MERGED_BY_HAND:
                choices.append((self.MERGED, _("手工合并")))
                self.fields[f"merged_{name}"] = _by_hand(name)
            self.fields[f"choice_{name}"] = forms.ChoiceField(
                label=_("怎样处理"), choices=choices, widget=forms.RadioSelect,
                error_messages={"required": _("请选择保留哪一方的内容。")},
            )  # fmt: skip

    @classmethod
    def initial_of(
        cls, *, version: int, merged: Content, pairs: Mapping[str, tuple[str, str]]
    ) -> dict[str, Any]:
        """`pairs`: field -> (mine, theirs)."""
        initial: dict[str, Any] = {"version": version, "conflicting": ";".join(pairs)}
        for name in CONTENT_FIELDS:
            if name not in pairs:
                initial[f"keep_{name}"] = getattr(merged, name)
                continue
            mine, theirs = pairs[name]
            both = mine if name == "value_text" else "\n".join(text for text in (theirs, mine) if text)
            initial |= {f"mine_{name}": mine, f"theirs_{name}": theirs, f"merged_{name}": both}
        return initial

    def parts(self) -> list[dict[str, Any]]:
        """For the template: each conflicting field with its bound fields."""
        return [
            {
                "name": name,
                "mine": self[f"mine_{name}"],
                "theirs": self[f"theirs_{name}"],
                "choice": self[f"choice_{name}"],
                "merged": self[f"merged_{name}"] if name in MERGED_BY_HAND else None,
            }
            for name in self.names
        ]

    def content(self) -> Content:
        """What was decided."""
        data = self.cleaned_data
        chosen = {
            name: data[f"{data[f'choice_{name}']}_{name}"] if name in self.names else data[f"keep_{name}"]
            for name in CONTENT_FIELDS
        }
        return Content(**{name: text.replace("\r\n", "\n") for name, text in chosen.items()})


def _riding_along(name: str) -> forms.CharField:
    longest = getattr(Answer._meta.get_field(name), "max_length", None)  # none for long texts
    return forms.CharField(required=False, strip=False, max_length=longest, widget=forms.HiddenInput)


def _by_hand(name: str) -> forms.CharField:
    if name == "value_text":
        return forms.CharField(label=_("合并后的内容"), required=False, max_length=200)
    area = forms.Textarea(attrs={"rows": 6})
    return forms.CharField(label=_("合并后的内容"), required=False, widget=area)


class SubmitForm(forms.Form):
    declared = forms.BooleanField(
        label=_("我声明：以上填报内容真实、准确，佐证材料与填报内容一致。"), required=False
    )
