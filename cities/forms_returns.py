"""Handing in again after a return, and answering a reviewer's question."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cities import evidence as evidence_files
from cities.forms import SubmitForm


class SubmitAgainForm(SubmitForm):
    """With a word for returned answers that nobody touched, where there are any."""

    accepts_unchanged = forms.BooleanField(
        label=_("我确认：上列退回的指标无需修改，按原内容重新提交。"), required=False
    )

    def __init__(self, *args: Any, unchanged: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not unchanged:
            del self.fields["accepts_unchanged"]
        self.order_fields(["accepts_unchanged", "declared"])


class SeveralFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class SeveralFilesField(forms.FileField):
    """Any number of files, cleaned to a list."""

    widget = SeveralFilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        given = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(SeveralFilesField, self).clean(one, initial) for one in given]


class ReplyForm(forms.Form):
    """The city's answer to a reviewer's question."""

    reply = forms.CharField(
        label=_("答复"),
        widget=forms.Textarea(attrs={"rows": 6, "data-maxlength": 2000}),
        error_messages={"required": _("请填写答复。")},
    )
    materials = SeveralFilesField(
        label=_("补充材料"),
        help_text=_("可一次选择多个文件：") + evidence_files.FORMATS,
        required=False,
        allow_empty_file=True,
        widget=SeveralFilesInput(attrs={"accept": evidence_files.ACCEPT, "multiple": True}),
    )
