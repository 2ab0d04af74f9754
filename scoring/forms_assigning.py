"""Forms of assigning, recusing and steering a round's review."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from cities.models import City, Round, Submission
from scoring.assigning import Facts, Options, suggestions
from scoring.conflicts import Person
from scoring.forms import GradeBandsField
from scoring.models import Recusal

_LARGEST_SEED = 2**31 - 1
_DIMENSION_HINT = _("不勾选表示全部维度。")


def _reason(label: Any, **more: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("请写明原因。")}, **more,
    )  # fmt: skip


class _DimensionsForm(forms.Form):
    dimensions = forms.MultipleChoiceField(
        label=_("负责的维度"), required=False, help_text=_DIMENSION_HINT, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, roots: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.MultipleChoiceField, self.fields["dimensions"]).choices = roots


class SeatForm(_DimensionsForm):
    """Add one reviewer to a city. Those who may not judge it are not offered."""

    reviewer = forms.TypedChoiceField(
        label=_("评审专家"), coerce=int, error_messages={
            "required": _("请选择评审专家。"), "invalid_choice": _("所选专家不能评审此城市，请改选。")}
    )  # fmt: skip
    field_order = ["reviewer", "dimensions"]

    def __init__(self, *args: Any, facts: Facts, submission: Submission, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reviewer = cast(forms.TypedChoiceField, self.fields["reviewer"])
        reviewer.choices = [("", _("请选择")), *(
            (person.user.pk, _("%(name)s（%(user)s），已有 %(n)s 个城市") % {
                "name": str(person.user), "user": person.user.username, "n": cities})
            for person, cities in suggestions(facts, submission)
        )]  # fmt: skip

    def chosen(self) -> User:
        return User.objects.get(pk=self.cleaned_data["reviewer"])


class TaskDimensionsForm(_DimensionsForm):
    """Limit a task that is there."""


class ReasonForm(forms.Form):
    reason = _reason(_("原因"))


class TakeOffForm(forms.Form):
    reason = forms.CharField(
        label=_("原因"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )


class PlanForm(forms.Form):
    """What the automatic assignment is asked for; lives in the address, so that a plan can be looked at again."""

    per_city = forms.IntegerField(
        label=_("每个城市、每个维度的专家数"), min_value=1, max_value=9, initial=3,
        widget=forms.NumberInput(attrs={"class": "w-4"}),
    )  # fmt: skip
    limit = forms.IntegerField(
        label=_("每位专家最多评审的城市数"), min_value=1, max_value=999, required=False,
        help_text=_("专家资料中另有上限的，以资料为准；不填则不限。"), widget=forms.NumberInput(attrs={"class": "w-4"}),
    )  # fmt: skip
    seed = forms.IntegerField(
        label=_("随机种子"), min_value=0, max_value=_LARGEST_SEED, initial=1,
        help_text=_("同一种子得到同一方案；换一个数字会得到另一种搭配。"), widget=forms.NumberInput(attrs={"class": "w-8"}),
    )  # fmt: skip

    def __init__(self, *args: Any, facts: Facts, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.facts = facts

    def _listed(self, name: str) -> list[str]:
        return list(self.data.getlist(name)) if hasattr(self.data, "getlist") else []

    @property
    def without(self) -> set[int]:
        """Who gets nothing new; before anything is asked the moderators, who decide where others differ."""
        if not self.is_bound:
            moderator = User.Role.MODERATOR
            return {person.user.pk for person in self.facts.people if person.user.role == moderator}
        known = {str(person.user.pk): person.user.pk for person in self.facts.people}
        return {known[text] for text in self._listed("without") if text in known}

    @property
    def only(self) -> dict[int, tuple[str, ...]]:
        """Reviewer -> dimensions, from boxes that say `reviewer:dimension`."""
        ticked = set(self._listed("only"))
        found = {
            person.user.pk: tuple(code for code in self.facts.roots if f"{person.user.pk}:{code}" in ticked)
            for person in self.facts.people
        }
        return {pk: codes for pk, codes in found.items() if codes}

    def rows(self) -> list[tuple[Person, bool, list[tuple[str, str, bool]]]]:
        """For the table: the person, whether left out, and each dimension's box (value, code, ticked)."""
        without, only = self.without, self.only
        return [
            (person, person.user.pk in without, [
                (f"{person.user.pk}:{code}", code, code in only.get(person.user.pk, ()))
                for code in self.facts.roots
            ])
            for person in self.facts.people
        ]  # fmt: skip

    def options(self) -> Options:
        data = self.cleaned_data
        return Options(
            per_city=data["per_city"], seed=data["seed"], limit=data["limit"], dimensions=self.only,
            without=frozenset(self.without),
        )  # fmt: skip

    def hidden(self) -> list[tuple[str, str]]:
        """Everything that was asked, to be sent along with the confirmation."""
        names = ("per_city", "limit", "seed", "without", "only")
        return [(name, text) for name in names for text in self._listed(name)]


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("分配表（.xlsx）"), error_messages={"required": _("请选择文件。")},
        widget=forms.FileInput(attrs={"accept": ".xlsx"}),
    )  # fmt: skip


class _CityField(forms.ModelMultipleChoiceField):
    """Submissions, called by their cities."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.city)


class AnchorsForm(forms.Form):
    anchors = _CityField(
        label=_("校准城市"),
        required=False,
        queryset=Submission.objects.none(),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, round_: Round, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        anchors = cast(forms.ModelMultipleChoiceField, self.fields["anchors"])
        anchors.queryset = round_.submissions.select_related("city").order_by("city__code")


class ProfileForm(forms.Form):
    city = forms.ModelChoiceField(label=_("所在城市"), required=False, queryset=City.objects.order_by("code"))
    province_zh = forms.CharField(
        label=_("所在省份"), required=False, max_length=100,
        help_text=_("例如 广东省；所在城市的省份自动回避，不必重填。"),
    )  # fmt: skip
    most_cities = forms.IntegerField(
        label=_("每轮最多评审的城市数"), required=False, min_value=0, max_value=999,
        help_text=_("不填则按分配时的统一上限。"), widget=forms.NumberInput(attrs={"class": "w-4"}),
    )  # fmt: skip


class RecuseForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("情况"), choices=[
            (Recusal.Kind.CONFLICT, _("回避：我与该市有利害关系")),
            (Recusal.Kind.DECLINED, _("谢绝：我无法承担这项任务")),
        ], widget=forms.RadioSelect, error_messages={"required": _("请选择是回避还是谢绝。")},
    )  # fmt: skip
    reason = _reason(_("原因"), help_text=_("只有管理员看得到。"))


class ConflictsForm(forms.Form):
    """Declare cities of a round that one will not judge; an administrator also says for whom."""

    cities = forms.ModelMultipleChoiceField(
        label=_("需要回避的城市"), queryset=City.objects.none(), widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("请选择需要回避的城市。")},
    )  # fmt: skip
    reason = _reason(_("原因"))

    def __init__(self, *args: Any, round_: Round, without: list[int] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cities = cast(forms.ModelMultipleChoiceField, self.fields["cities"])
        cities.queryset = City.objects.filter(submissions__round=round_).exclude(pk__in=without or [])


class RegisterForm(ConflictsForm):
    reviewer = forms.ModelChoiceField(
        label=_("评审专家"), queryset=User.objects.none(), error_messages={"required": _("请选择评审专家。")}
    )
    field_order = ["reviewer", "cities", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [User.Role.REVIEWER, User.Role.MODERATOR]
        reviewer = cast(forms.ModelChoiceField, self.fields["reviewer"])
        reviewer.queryset = User.objects.filter(is_active=True, role__in=roles).order_by("username")


class RulesForm(forms.Form):
    """The rules of a round that may still be chosen."""

    panel = forms.ChoiceField(label=_("评审汇总"), choices=Round.Panel.choices, widget=forms.RadioSelect)
    divergence_points = forms.FloatField(
        label=_("分歧阈值（分）"), min_value=0, max_value=100, help_text=_("同一指标各专家最高与最低评分相差达到此分数，进入分歧处理。"),
        widget=forms.NumberInput(attrs={"class": "w-4", "step": "any"}),
    )  # fmt: skip
    divergence_levels = forms.IntegerField(
        label=_("分歧阈值（等级）"),
        min_value=1,
        max_value=20,
        widget=forms.NumberInput(attrs={"class": "w-4"}),
    )
    change_threshold = forms.IntegerField(
        label=_("同比变化提示（%）"), min_value=0, max_value=32_000, help_text=_("与上一轮相差超过此百分比的数值，城市需要说明。"),
        widget=forms.NumberInput(attrs={"class": "w-4"}),
    )  # fmt: skip
    results_expected_on = forms.DateField(
        label=_("预计公布日期"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    grade_bands = GradeBandsField()
    LOCKED = ("panel", "divergence_points", "divergence_levels", "grade_bands")

    def __init__(self, *args: Any, locked: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.LOCKED:
            self.fields[name].disabled = locked
