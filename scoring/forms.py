"""Forms of the administrator."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from cities.models import City, Round
from indicators.models import Framework, Missing
from scoring.engine.grades import GradeError, parse_grade_bands


class EditionField(forms.ModelChoiceField):
    """An edition; a draft says so, and the action refuses it for any round but a pilot."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} · {obj.get_status_display()}" if obj.is_draft else str(obj)


class GradeBandsField(forms.CharField):
    """Grades and from which score on each is given; empty: none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("等级划分"), required=False, max_length=200,
            help_text=_("按四舍五入后的总分划分，从高到低，例如 90:优秀|80:良好|60:合格|0:待改进；不填则不分等级。"), **kwargs,
        )  # fmt: skip

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        try:
            return str(parse_grade_bands(text))
        except GradeError as error:
            raise forms.ValidationError(str(error)) from error


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
    grade_bands = GradeBandsField()

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
