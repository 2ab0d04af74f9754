"""Back-office records of cities, their departments and staff."""

from typing import Any

from django.contrib import admin
from import_export import fields
from import_export.widgets import CharWidget

from cities.admin_formats import CityXLSX
from cities.models import City, Department, Membership
from indicators.admin_base import BackOfficeAdmin
from indicators.admin_diff import BackOfficeResource


class OptionalText(CharWidget):  # type: ignore[misc]
    """Nothing is NULL: an empty text would have to be unique."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str | None:
        return super().clean(value, row, **kwargs) or None


class CityResource(BackOfficeResource):
    adcode = fields.Field("adcode", "adcode", widget=OptionalText())

    class Meta(BackOfficeResource.Meta):
        model = City
        import_id_fields = ("code",)
        exclude = ("id",)


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(City)
class CityAdmin(BackOfficeAdmin):
    resource_classes = [CityResource]
    import_formats = export_formats = [CityXLSX]
    list_display = ["code", "name_zh", "province_zh", "level", "region"]
    list_filter = ["level", "region"]
    search_fields = ["code", "name_zh", "name_en"]
    inlines = [MembershipInline]


@admin.register(Department)
class DepartmentAdmin(admin.ModelAdmin):
    list_display = ["name", "city"]
    search_fields = ["name"]
