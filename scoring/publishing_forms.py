"""Forms with which a result is finalised, published and shown to its audience."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cities.models import Round
from scoring.moderation_forms import ProblemForm


class ReasonForm(ProblemForm):
    reason = forms.CharField(
        label=_("定稿依据"), max_length=1000, help_text=_("例如会议纪要或文件的名称、日期。记入审计记录。"),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("请写明定稿的依据，例如会议或文件。")},
    )  # fmt: skip


class RecomputeForm(ProblemForm):
    reason = forms.CharField(
        label=_("重新计算的原因"), max_length=200, widget=forms.TextInput(attrs={"class": "w-full"}),
        error_messages={"required": _("请写明重新计算的原因。")},
    )  # fmt: skip


class AudienceForm(ProblemForm):
    """Who sees the round's results, and what of them; `unlisted` becomes ids of submissions of `round_`."""

    audience = forms.ChoiceField(label=_("公开范围"), choices=Round.Audience, widget=forms.RadioSelect)
    shows_ranks = forms.BooleanField(
        label=_("公布名次"), required=False,
        help_text=_("不勾选时，除管理员和评审组长外，任何页面、图表和导出都不出现名次和名次区间，城市按代码排列。"),
    )  # fmt: skip
    unlisted = forms.CharField(
        label=_("不列入公开名单的城市"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("每行一个城市代码或名称。公众看不到这些城市；其他城市的名次不重新编排。"),
    )  # fmt: skip
    reason = forms.CharField(
        label=_("更改原因"), required=False, max_length=1000, help_text=_("结果已公布时必须填写。"),
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip

    def __init__(self, *args: Any, round_: Round, **kwargs: Any) -> None:
        cities = list(round_.submissions.select_related("city").order_by("city__code"))
        kwargs.setdefault(
            "initial",
            {
                "audience": round_.audience, "shows_ranks": round_.shows_ranks,
                "unlisted": "\n".join(f"{one.city.code} {one.city}" for one in cities if not one.is_listed),
            },
        )  # fmt: skip
        super().__init__(*args, **kwargs)
        self._by_word = {one.city.name_zh: one for one in cities} | {one.city.code: one for one in cities}

    def clean_unlisted(self) -> list[Any]:
        found = {}
        for part in re.split(r"[\n,，、;；]+", self.cleaned_data["unlisted"]):
            words = part.split()
            one = self._by_word.get(part.strip()) or self._by_word.get(words[0] if words else "")
            if words and one is None:
                raise forms.ValidationError(_("本轮没有“%(word)s”这个城市。"), params={"word": part.strip()})
            if one is not None:
                found[one.pk] = one
        return list(found.values())


class PublishForm(AudienceForm):
    erratum = forms.CharField(
        label=_("更正说明"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("哪里有误、改了什么、为什么。与结果一起显示给所有读者，公布后不能修改。"),
    )  # fmt: skip

    def __init__(self, *args: Any, is_correction: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["reason"]
        if not is_correction:
            del self.fields["erratum"]
