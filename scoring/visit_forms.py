"""The forms of site visits and of recommended cases."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from indicators.models import Indicator

_REVIEWERS = (User.Role.REVIEWER, User.Role.MODERATOR)


class VisitForm(forms.Form):
    starts_on = forms.DateField(
        label=_("开始日期"), widget=forms.DateInput(attrs={"type": "date", "class": "w-16"})
    )
    ends_on = forms.DateField(
        label=_("结束日期"), widget=forms.DateInput(attrs={"type": "date", "class": "w-16"})
    )
    members = forms.ModelMultipleChoiceField(
        label=_("考察组成员"), required=False, widget=forms.CheckboxSelectMultiple,
        queryset=User.objects.filter(is_active=True, role__in=_REVIEWERS).order_by("display_name"),
    )  # fmt: skip
    other_members = forms.CharField(label=_("其他成员"), required=False, max_length=300)
    itinerary = forms.CharField(label=_("行程"), required=False, widget=forms.Textarea(attrs={"rows": 4}))


class _AboutForm(forms.Form):
    """Something said of one indicator, or of the city as a whole."""

    indicator = forms.ModelChoiceField(
        label=_("指标"), required=False, queryset=Indicator.objects.none(), empty_label=_("总体情况")
    )

    def __init__(self, *args: Any, leaves: Sequence[Indicator], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ModelChoiceField, self.fields["indicator"])
        field.queryset = Indicator.objects.filter(pk__in=[leaf.pk for leaf in leaves]).order_by("position")


class NoteForm(_AboutForm):
    text = forms.CharField(label=_("考察记录"), widget=forms.Textarea(attrs={"rows": 4}))


class PhotoForm(_AboutForm):
    file = forms.FileField(label=_("照片"), help_text=_("JPG 或 PNG。"))
    caption = forms.CharField(label=_("说明"), required=False, max_length=200)


class SummaryForm(forms.Form):
    summary = forms.CharField(label=_("考察小结"), required=False, widget=forms.Textarea(attrs={"rows": 8}))


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("理由"), widget=forms.Textarea(attrs={"rows": 3}))
