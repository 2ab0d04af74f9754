"""Forms of evidence: several files at once, what is said of a file, citing one, an archive of many."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from cities import evidence_rules
from cities.evidence import ANYTHING, Allowed
from cities.models import Evidence
from indicators.models import Indicator

LATEST = 2100


class ManyFiles(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or several files; what is wrong with each is for the action to say."""

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        return [super(FilesField, self).clean(one, initial) for one in (data or [None])]


class UploadForm(forms.Form):
    """Files for one indicator. `twins` are those that stand in the submission already and can be cited."""

    file = FilesField(
        label=_("选择文件"),
        error_messages={
            "required": _("请选择要上传的文件。"),
            "empty": _("所选文件为空，请检查后重新上传。"),
        },
        widget=ManyFiles,
        allow_empty_file=True,
    )
    locator = forms.CharField(label=_("页码"), help_text=_("例如：第 3—5 页"), required=False, max_length=100)

    def __init__(self, *args: Any, indicator: Indicator | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        takes: Allowed = evidence_rules.allowed(indicator) if indicator is not None else ANYTHING
        field = self.fields["file"]
        field.widget.attrs["accept"] = takes.accept
        field.help_text = _("可一次选择多个文件。可上传 %(formats)s，单个不超过 %(size)s MB") % {
            "formats": takes.formats,
            "size": takes.limit_mb,
        }
        self.twins: list[Evidence] = []


class DescriptionForm(forms.Form):
    """What is said of a file: name, pages, date."""

    title = forms.CharField(
        label=_("材料名称"), help_text=_("不填则用文件名。"), required=False, max_length=200
    )
    locator = forms.CharField(label=_("页码"), help_text=_("例如：第 3—5 页"), required=False, max_length=100)
    dated_on = forms.DateField(
        label=_("材料日期"),
        help_text=_("文件上的落款日期，例如 2024-06-30。"),
        required=False,
        error_messages={"invalid": _("请按年-月-日填写日期，例如 2024-06-30。")},
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    @classmethod
    def of(cls, evidence: Evidence, data: Any = None) -> "DescriptionForm":
        values = {"title": evidence.title, "locator": evidence.locator, "dated_on": evidence.dated_on}
        return cls(data, initial=values)

    def clean_dated_on(self) -> Any:
        dated_on = self.cleaned_data["dated_on"]
        if dated_on is not None and not 1900 <= dated_on.year <= LATEST:
            raise forms.ValidationError(_("请按年-月-日填写日期，例如 2024-06-30。"))
        return dated_on


class CitingForm(forms.Form):
    """Which file of the submission to cite under another indicator."""

    evidence = forms.TypedChoiceField(
        label=_("选择材料"),
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("请选择要引用的材料。"),
            "invalid_choice": _("该材料已被删除，不能引用。请重新选择。"),
        },
    )
    locator = forms.CharField(
        label=_("页码"), help_text=_("不填则沿用原来的页码。"), required=False, max_length=100
    )

    def __init__(self, *args: Any, files: Sequence[Evidence], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["evidence"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [(one.pk, _label(one)) for one in files]


def _label(one: Evidence) -> str:
    pages = f"（{one.locator}）" if one.locator else ""
    return f"{one.number} {one.title or one.filename}{pages} · {one.indicator.name_zh}"


class ArchiveForm(forms.Form):
    """A ZIP of many files."""

    archive = forms.FileField(
        label=_("ZIP 压缩包"),
        error_messages={
            "required": _("请选择要上传的压缩包。"),
            "empty": _("所选文件为空，请检查后重新上传。"),
        },
        widget=forms.FileInput(attrs={"accept": ".zip"}),
    )
