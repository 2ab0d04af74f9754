"""Back-office records of frameworks: drafts may be edited here, published editions only read."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from accounts.models import User
from accounts.permissions import is_administrator
from indicators import actions
from indicators.admin_base import BackOfficeAdmin
from indicators.admin_diff import BackOfficeResource
from indicators.models import ChecklistItem, Framework, Indicator, RubricLevel


class FrameworkResource(BackOfficeResource):
    class Meta(BackOfficeResource.Meta):
        model = Framework
        # publishing goes through its own action, with its checks and its entry in the log
        exclude = ("status", "published_at", "created_at")


class IndicatorResource(BackOfficeResource):
    class Meta(BackOfficeResource.Meta):
        model = Indicator


class RubricLevelResource(BackOfficeResource):
    class Meta(BackOfficeResource.Meta):
        model = RubricLevel


class ChecklistItemResource(BackOfficeResource):
    class Meta(BackOfficeResource.Meta):
        model = ChecklistItem


class IndicatorForm(ModelForm):  # type: ignore[type-arg]
    """Keeps a draft a tree while it is edited by hand."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        parent, seen = cleaned.get("parent"), set()
        if parent and cleaned.get("framework") and parent.framework_id != cleaned["framework"].pk:
            self.add_error("parent", "上级指标属于另一个指标体系。")
        while parent and parent.pk not in seen:
            if parent.pk == self.instance.pk:
                self.add_error("parent", "上下级关系形成循环。")
                break
            seen.add(parent.pk)
            parent = parent.parent
        return cleaned


class _EditionAdmin(BackOfficeAdmin):
    """For administrators only; what belongs to a published edition is read-only, as the database holds it anyway."""

    owner = ""  # the path to the framework

    def framework_of(self, obj: Model) -> Framework:
        for name in filter(None, self.owner.split("__")):
            obj = getattr(obj, name)
        assert isinstance(obj, Framework)
        return obj

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(is_administrator(request.user))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(is_administrator(request.user))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(is_administrator(request.user))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(is_administrator(request.user)) and (obj is None or self.framework_of(obj).is_draft)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # deleting many at once would meet published rows among them
        return {
            name: action for name, action in super().get_actions(request).items() if name != "delete_selected"
        }

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        drafts = f"{'framework__' if db_field.remote_field.model is Indicator else ''}status"
        kwargs["queryset"] = db_field.remote_field.model.objects.filter(**{drafts: Framework.Status.DRAFT})
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Framework)
class FrameworkAdmin(_EditionAdmin):
    resource_classes = [FrameworkResource]
    list_display = ["name_zh", "code", "edition", "status", "published_at"]
    list_filter = ["status"]
    search_fields = ["code", "name_zh"]
    readonly_fields = ["status", "created_at", "published_at"]
    actions = ["publish"]

    @admin.action(description="发布所选的草案（发布后不能再修改）", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Framework]) -> None:
        for framework in queryset:
            try:
                actions.publish_framework(framework, by=cast(User, request.user))
            except actions.FrameworkError as refused:
                self.message_user(request, f"{framework} 未发布：{refused.problems[0]}", messages.ERROR)
            else:
                self.message_user(request, f"{framework} 已发布。", messages.SUCCESS)


@admin.register(Indicator)
class IndicatorAdmin(_EditionAdmin):
    owner = "framework"
    form = IndicatorForm
    resource_classes = [IndicatorResource]
    list_display = ["code", "name_zh", "kind", "weight", "points", "framework"]
    list_filter = ["framework", "kind"]
    list_select_related = ["framework"]
    search_fields = ["code", "name_zh"]


@admin.register(RubricLevel)
class RubricLevelAdmin(_EditionAdmin):
    owner = "indicator__framework"
    resource_classes = [RubricLevelResource]
    list_display = ["indicator", "level", "label", "score_min", "score_max"]
    list_filter = ["indicator__framework"]
    list_select_related = ["indicator__framework"]
    search_fields = ["indicator__code", "label"]


@admin.register(ChecklistItem)
class ChecklistItemAdmin(_EditionAdmin):
    owner = "indicator__framework"
    resource_classes = [ChecklistItemResource]
    list_display = ["indicator", "item", "score", "text"]
    list_filter = ["indicator__framework"]
    list_select_related = ["indicator__framework"]
    search_fields = ["indicator__code", "text"]
