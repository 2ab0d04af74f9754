from django.apps import AppConfig


class ScoringConfig(AppConfig):
    name = "scoring"
    verbose_name = "评审与得分"

    def ready(self) -> None:
        from cities import events  # noqa: PLC0415 — models are there only now
        from scoring import listeners  # noqa: PLC0415

        events.handed_in.connect(listeners.on_handed_in)
        events.given_back.connect(listeners.on_given_back)
        events.supplement_replied.connect(listeners.on_supplement_replied)
