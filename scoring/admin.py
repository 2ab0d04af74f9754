"""Back-office records of results: to be read and exported, never changed, never imported."""

from typing import Any, cast

import numpy as np
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from import_export import fields, resources
from import_export.admin import ExportMixin

from accounts import audit
from accounts.models import User
from accounts.permissions import is_administrator
from indicators.admin_formats import SafeXLSX
from scoring.admin_formats import ResultsCSV, ResultsJSON
from scoring.exports.table import CSV_COLUMNS
from scoring.models import NodeScore, ResultSnapshot
from scoring.snapshots import read_inputs


class _Names:
    """What a snapshot's rows are told in: as it was computed, whatever the records say today."""

    def __init__(self, snapshot: ResultSnapshot) -> None:
        gathered = read_inputs(snapshot)
        tree, weights = gathered.tree, gathered.tree.global_weight.tolist()
        self.round = snapshot.round.code
        self.cities = dict(zip(gathered.inputs.cities, gathered.city_names, strict=True))
        self.nodes = {
            code: (gathered.node_names[code], int(tree.depth[place]), None if np.isnan(weight) else weight)
            for place, (code, weight) in enumerate(zip(tree.codes, weights, strict=True))
        }


class NodeScoreResource(resources.ModelResource):  # type: ignore[misc]
    """The long table: the same columns, in the same order, with the same values as the export page's CSV."""

    round = fields.Field(column_name="round")
    city_code = fields.Field(column_name="city_code")
    city = fields.Field(column_name="city")
    node_code = fields.Field("node_code", "node_code")
    node = fields.Field(column_name="node")
    depth = fields.Field(column_name="depth")
    global_weight = fields.Field(column_name="global_weight")
    self_score = fields.Field(column_name="self_score")
    final_score = fields.Field(column_name="final_score")
    points = fields.Field(column_name="points")
    points_lost = fields.Field(column_name="points_lost")
    rank = fields.Field(column_name="rank")
    rank_low = fields.Field(column_name="rank_low")
    rank_high = fields.Field(column_name="rank_high")
    state = fields.Field("state", "state")

    class Meta:
        model = NodeScore
        fields = CSV_COLUMNS
        export_order = CSV_COLUMNS

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._known: dict[int, _Names] = {}

    def names(self, row: NodeScore) -> _Names:
        if row.snapshot_id not in self._known:
            snapshot = ResultSnapshot.objects.select_related("round").get(pk=row.snapshot_id)
            self._known[row.snapshot_id] = _Names(snapshot)
        return self._known[row.snapshot_id]

    def export_field(self, field: Any, row: NodeScore, **kwargs: Any) -> Any:
        """Numbers as numbers: a widget would make texts of them."""
        name = field.column_name
        if name in ("round", "city", "city_code", "node", "depth", "global_weight"):
            return self._told(name, row)
        return getattr(row, "score" if name == "final_score" else name)

    def _told(self, name: str, row: NodeScore) -> Any:
        names, code = self.names(row), row.submission.city.code
        if name in ("node", "depth", "global_weight"):
            return names.nodes[row.node_code][("node", "depth", "global_weight").index(name)]
        return {"round": names.round, "city_code": code, "city": names.cities[code]}[name]


class _ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """For administrators, to look at."""

    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(is_administrator(request.user))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(is_administrator(request.user))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(ResultSnapshot)
class ResultSnapshotAdmin(_ReadOnlyAdmin):
    list_display = [
        "id",
        "round",
        "created_at",
        "draws",
        "engine_version",
        "finalised_at",
        "published_at",
        "digest",
    ]
    list_filter = ["round"]
    exclude = ["inputs", "robustness"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ResultSnapshot]:
        return super().get_queryset(request).defer("inputs", "robustness").select_related("round")


@admin.register(NodeScore)
class NodeScoreAdmin(ExportMixin, _ReadOnlyAdmin):  # type: ignore[misc]
    resource_classes = [NodeScoreResource]
    export_formats = [SafeXLSX, ResultsCSV, ResultsJSON]
    list_display = ["submission", "node_code", "score", "rank", "state"]
    list_filter = ["snapshot__round", "snapshot", "state"]
    search_fields = ["submission__city__code", "submission__city__name_zh", "=node_code"]
    ordering = ["-snapshot", "pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[NodeScore]:
        found: QuerySet[NodeScore] = super().get_queryset(request)
        return found.select_related("submission__city", "submission__round")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(is_administrator(request.user))

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: Any, **kwargs: Any) -> Any:
        content = super().get_export_data(file_format, request, queryset, **kwargs)
        audit.record(
            actor=cast(User, request.user), action="admin.export", target=self.opts.verbose_name_plural,
            rows=queryset.count(),
        )  # fmt: skip
        return content
