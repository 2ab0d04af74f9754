"""Forms of the pages about weights."""

from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from indicators.fields import canonical
from indicators.models import WeightingGroup
from indicators.weight_groups import SiblingGroup
from indicators.weighting_queries import group_trouble, possible_experts
from scoring.engine import weights as engine
from scoring.engine.texts import half_width

DECIMALS = (0, 1, 2, 3, 4, 6, 8)

_IMPORTANCE = {
    2: gettext_lazy("%(a)s 比 %(b)s 略微重要（2，介于同样与稍微之间）"),
    3: gettext_lazy("%(a)s 比 %(b)s 稍微重要（3）"),
    4: gettext_lazy("%(a)s 比 %(b)s 较为重要（4，介于稍微与明显之间）"),
    5: gettext_lazy("%(a)s 比 %(b)s 明显重要（5）"),
    6: gettext_lazy("%(a)s 比 %(b)s 更为重要（6，介于明显与强烈之间）"),
    7: gettext_lazy("%(a)s 比 %(b)s 强烈重要（7）"),
    8: gettext_lazy("%(a)s 比 %(b)s 非常重要（8，介于强烈与极端之间）"),
    9: gettext_lazy("%(a)s 比 %(b)s 极端重要（9）"),
}


def step_words(step: int, first: str, second: str) -> str:
    """A step of the scale as a sentence about two codes."""
    if step == 1:
        return _("%(a)s 与 %(b)s 同样重要（1）") % {"a": first, "b": second}
    a, b = (first, second) if step > 0 else (second, first)
    return str(_IMPORTANCE[abs(step)]) % {"a": a, "b": b}


def decimals_field(group: SiblingGroup) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=_("保留小数位"),
        choices=[(number, str(number)) for number in DECIMALS],
        coerce=int,
        initial=group.default_decimals,
        required=False,
        empty_value=None,
    )


class AdoptForm(forms.Form):
    """What goes with every adoption: what the person looked at, and how finely to share out."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, group: SiblingGroup, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {})
        kwargs["initial"] = {"seen": group.token, **kwargs["initial"]}
        super().__init__(*args, **kwargs)
        self.group = group
        self.fields["decimals"] = decimals_field(group)


class GivenForm(AdoptForm):
    """Weights or points as typed, one box per sibling named by its place."""

    def __init__(self, *args: Any, group: SiblingGroup, **kwargs: Any) -> None:
        super().__init__(*args, group=group, **kwargs)
        for place, (code, name, share) in enumerate(zip(group.codes, group.names, group.shares, strict=True)):
            self.fields[f"share{place}"] = forms.CharField(
                label=f"{code} {name}",
                max_length=40,
                required=False,
                initial="" if share is None else canonical(share),
                widget=forms.TextInput(
                    attrs={"inputmode": "decimal", "autocomplete": "off", "class": "w-8 num"}
                ),
            )

    @property
    def boxes(self) -> list[Any]:
        return [self[f"share{place}"] for place in range(len(self.group.codes))]

    def clean(self) -> dict[str, Any]:
        cleaned = cast(dict[str, Any], super().clean() or self.cleaned_data)
        for place, code in enumerate(self.group.codes):
            name = f"share{place}"
            if name in cleaned:
                cleaned[name] = self._number(name, code, cleaned[name])
        return cleaned

    def _number(self, name: str, code: str, typed: str) -> Decimal | None:
        text = half_width(typed).replace(",", "").removesuffix("%").strip()
        if not text:
            self.add_error(name, _("请填写“%(code)s”的权重或分值。") % {"code": code})
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            self.add_error(
                name, _("“%(value)s”不是数字。请只填数字，例如 12.5，不要带单位。") % {"value": typed}
            )
            return None
        if number < 0 or (number and not -15 <= number.adjusted() <= 15):
            self.add_error(name, _("“%(value)s”应为不小于 0 的数，且不能过大或过小。") % {"value": typed})
            return None
        return number

    def shares(self) -> dict[str, Decimal]:
        """By code, of a valid form."""
        return {code: self.cleaned_data[f"share{place}"] for place, code in enumerate(self.group.codes)}


class ExpertsField(forms.ModelMultipleChoiceField):
    """People with their role."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj}（{obj.get_role_display()}）"


class ExerciseForm(forms.Form):
    """Which groups of the draft, which experts."""

    groups = forms.MultipleChoiceField(
        label=gettext_lazy("要比较的同级指标"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("请至少选择一组指标。")},
    )
    experts = ExpertsField(
        label=gettext_lazy("专家"),
        queryset=User.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("评审专家或管理员。各自独立判断，完成之前互相看不到。"),
        error_messages={"required": gettext_lazy("请至少选择一位专家。")},
    )
    note = forms.CharField(
        label=gettext_lazy("给专家的说明"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, groups: list[SiblingGroup], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (group.code, _("%(title)s：%(codes)s") % {"title": group.title, "codes": "、".join(group.codes)})
            for group in groups
            if not group_trouble(group)
        ]
        cast(forms.MultipleChoiceField, self.fields["groups"]).choices = choices
        cast(ExpertsField, self.fields["experts"]).queryset = possible_experts()


class JudgementForm(forms.Form):
    """Every pair of one group; a pair left open stays open."""

    def __init__(self, *args: Any, group: WeightingGroup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group
        for i, j in engine.pairs(len(group.members)):
            (first, first_name), (second, second_name) = group.members[i], group.members[j]
            steps = [*range(9, 0, -1), *range(-2, -10, -1)]
            self.fields[f"pair{i}_{j}"] = forms.TypedChoiceField(
                label=_("%(first)s 与 %(second)s 相比")
                % {"first": f"{first} {first_name}", "second": f"{second} {second_name}"},
                choices=[("", _("请选择")), *((step, step_words(step, first, second)) for step in steps)],
                coerce=int,
                empty_value=None,
                required=False,
                widget=forms.Select(attrs={"class": "w-full"}),
            )

    @staticmethod
    def initial_of(steps: dict[tuple[int, int], int]) -> dict[str, Any]:
        return {f"pair{i}_{j}": step for (i, j), step in steps.items()}

    def steps(self) -> dict[tuple[str, str], int | None]:
        """By codes, of what could be read; what could not is left as it was."""
        codes = self.group.codes
        return {
            (codes[i], codes[j]): self.cleaned_data[f"pair{i}_{j}"]
            for i, j in engine.pairs(len(codes))
            if f"pair{i}_{j}" in self.cleaned_data
        }
