from django.apps import AppConfig


class IndicatorsConfig(AppConfig):
    name = "indicators"
    verbose_name = "指标体系"

    def ready(self) -> None:
        # before the back office imports import-export, which asks tablib for its formats at once
        from tablib.formats import registry  # noqa: PLC0415

        from indicators.tablib_xlsx import WorkbookFormat  # noqa: PLC0415

        registry.register("xlsx", WorkbookFormat())
