from django.apps import AppConfig


class CitiesConfig(AppConfig):
    name = "cities"
    verbose_name = "城市与填报"

    def ready(self) -> None:
        from accounts import notices  # noqa: PLC0415 — models are there only now
        from cities import reminders  # noqa: PLC0415

        notices.remind.connect(reminders.remind_cities)
