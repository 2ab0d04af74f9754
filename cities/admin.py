"""Back-office records of cities, their departments and staff."""

from django.contrib import admin
from import_export import resources
from import_export.admin import ImportExportModelAdmin

from cities.models import City, Department, Membership
from indicators.admin_formats import SafeXLSX


class CityResource(resources.ModelResource):  # type: ignore[misc]
    class Meta:
        model = City
        import_id_fields = ("code",)
        exclude = ("id",)
        skip_unchanged = True
        report_skipped = True
        clean_model_instances = True


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(City)
class CityAdmin(ImportExportModelAdmin):  # type: ignore[misc]
    resource_classes = [CityResource]
    import_formats = export_formats = [SafeXLSX]
    list_display = ["code", "name_zh", "province_zh", "level", "region"]
    list_filter = ["level", "region"]
    search_fields = ["code", "name_zh", "name_en"]
    inlines = [MembershipInline]


@admin.register(Department)
class DepartmentAdmin(admin.ModelAdmin):
    list_display = ["name", "city"]
    search_fields = ["name"]
