"""Forms of 责任分解, the city's own approval, members and invitations."""

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.texts import whole_number
from cities.actions import KEEP, Change, Target
from cities.models import City, Department, Membership
from cities.queries import members

SAME, CLEAR = "", "clear"


def target_of(key: str) -> Target:
    """What a row's check box stands for: the id of a leaf, or the key of a part of the case."""
    leaf = whole_number(key)
    return key if leaf is None else leaf


def _choices(what: Any, options: list[tuple[str, str]]) -> list[tuple[str, Any]]:
    return [(SAME, _("不变")), (CLEAR, what), *options]


class DivideForm(forms.Form):
    """What the ticked rows get. Whatever is left at 不变 stays."""

    ADD, SET = "add", "set"

    chosen = forms.MultipleChoiceField(required=False)
    everything = forms.BooleanField(label=_("应用于当前列出的全部指标"), required=False)
    lead = forms.ChoiceField(label=_("牵头单位"), required=False)
    supporting_mode = forms.ChoiceField(
        label=_("配合单位"),
        required=False,
        choices=[(SAME, _("不变")), (ADD, _("增加所选")), (SET, _("改为所选")), (CLEAR, _("全部清空"))],
    )
    supporting = forms.MultipleChoiceField(
        label=_("选择配合单位"), required=False, widget=forms.CheckboxSelectMultiple
    )
    person = forms.ChoiceField(label=_("责任人"), required=False)
    due_on = forms.DateField(
        label=_("内部截止日期"),
        required=False,
        error_messages={"invalid": _("内部截止日期不是日期。请写成 2026-03-01。")},
        widget=forms.DateInput(attrs={"type": "date", "class": "w-16"}, format="%Y-%m-%d"),
        help_text=_("不填即不变。"),
    )
    clear_due = forms.BooleanField(label=_("清空内部截止日期"), required=False)

    def __init__(self, *args: Any, city: City, keys: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        departments = [(str(one.pk), one.name) for one in city.departments.all()]
        people = [
            (str(one.user_id), f"{one.user}（{one.department or _('未定单位')}）") for one in members(city)
        ]
        self._field("chosen").choices = [(key, key) for key in keys]
        self._field("lead").choices = _choices(_("清空"), departments)
        self._field("supporting").choices = departments
        self._field("person").choices = _choices(_("清空"), people)

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("chosen") and not data.get("everything"):
            self.add_error("chosen", _("请勾选要分配的指标，或选择“应用于当前列出的全部指标”。"))
        if data.get("supporting_mode") in (self.ADD, self.SET) and not data.get("supporting"):
            self.add_error("supporting", _("请选择配合单位。"))
        if data.get("supporting") and not data.get("supporting_mode"):
            self.add_error("supporting_mode", _("请选择对配合单位是增加还是改为所选。"))
        if data.get("due_on") and data.get("clear_due"):
            self.add_error("clear_due", _("不能同时填写和清空内部截止日期。"))
        if not self.errors and self.change().is_empty:
            raise ValidationError(_("没有要修改的内容：请至少选择一项。"))
        return data

    def change(self) -> Change:
        """What a valid form says."""
        data = self.cleaned_data
        picked = frozenset(int(one) for one in data.get("supporting", []))
        mode = data.get("supporting_mode")

        def one(value: str) -> Any:
            return KEEP if value == SAME else None if value == CLEAR else int(value)

        return Change(
            lead_department=one(data.get("lead", "")),
            supporting=picked if mode == self.SET else frozenset() if mode == CLEAR else KEEP,
            also_supporting=picked if mode == self.ADD else frozenset(),
            person=one(data.get("person", "")),
            due_on=None if data.get("clear_due") else data.get("due_on") or KEEP,
        )


class DepartmentsForm(forms.Form):
    names = forms.CharField(
        label=_("新建单位"),
        help_text=_("每行一个单位名称。"),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("请填写单位名称，每行一个。")},
    )


class DivisionUploadForm(forms.Form):
    file = forms.FileField(
        label=_("责任分解表（.xlsx）"),
        error_messages={
            "required": _("请选择要上传的文件。"),
            "empty": _("所选文件为空，请检查后重新上传。"),
        },
        widget=forms.FileInput(attrs={"accept": ".xlsx"}),
    )


class InviteForm(forms.Form):
    nonce = forms.CharField(widget=forms.HiddenInput, min_length=20, max_length=100)
    display_name = forms.CharField(label=_("姓名"), max_length=64, required=False)
    email = forms.EmailField(
        label=_("邮箱"), required=False, error_messages={"invalid": _("邮箱地址不正确，请检查。")}
    )
    department = forms.ModelChoiceField(
        label=_("单位"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=_("不限单位（可见全部指标）"),
    )
    role = forms.ChoiceField(label=_("职责"), choices=Membership.Role, initial=Membership.Role.EDITOR)

    def __init__(self, *args: Any, city: City, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["department"]
        field.queryset = city.departments.all()


class JoinForm(forms.Form):
    """A new account for somebody invited."""

    display_name = forms.CharField(
        label=_("姓名"), max_length=64, error_messages={"required": _("请填写姓名。")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )  # fmt: skip
    username = forms.CharField(
        label=_("用户名"),
        help_text=_("登录时使用，可用汉字、字母、数字和 @ . + - _。"),
        max_length=150,
        validators=[UnicodeUsernameValidator(message=_("用户名只能用汉字、字母、数字和 @ . + - _。"))],
        error_messages={"required": _("请填写用户名。")},
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=_("密码"),
        help_text=_("至少 10 个字符，不能全是数字，也不要与用户名相近。"),
        strip=False,
        error_messages={"required": _("请填写密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("再输一次密码"),
        strip=False,
        error_messages={"required": _("请再输一次密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_username(self) -> str:
        username = User.normalize_username(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError(_("这个用户名已有人使用，请换一个。"))
        return username

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        password = data.get("password")
        if password and data.get("again") and password != data["again"]:
            self.add_error("again", _("两次输入的密码不一致。"))
        if password:
            person = User(username=data.get("username", ""), display_name=data.get("display_name", ""))
            try:
                password_validation.validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return data
