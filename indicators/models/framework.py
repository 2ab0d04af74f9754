"""What is measured: a framework edition, its tree of indicators, rubrics and checklists."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.functional import cached_property

from indicators.fields import ExactDecimalField


class Aggregation(models.TextChoices):
    ARITHMETIC = "arithmetic", "算术平均"
    GEOMETRIC = "geometric", "几何平均"
    HARMONIC = "harmonic", "调和平均"


class Missing(models.TextChoices):
    ZERO = "zero", "按 0 分计"
    EXCLUDE = "exclude", "不计入，权重由同级指标分担"


class Framework(models.Model):
    """One edition of a framework. A draft may change; a published edition never does (see `guards`)."""

    class Status(models.TextChoices):
        DRAFT = "draft", "草案"
        PUBLISHED = "published", "已发布"
        RETIRED = "retired", "已停用"

    code = models.CharField("代码", max_length=64)
    edition = models.CharField("版本", max_length=64)
    name_zh = models.CharField("名称", max_length=200)
    name_en = models.CharField("英文名称", max_length=200, blank=True)
    source = models.TextField("来源", blank=True)
    provenance = models.TextField(
        "说明", blank=True, help_text="凡展示、打印、导出本体系之处都会标明，例如“参考稿”。"
    )
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.DRAFT)
    aggregation = models.CharField(
        "汇总方式", max_length=16, choices=Aggregation, default=Aggregation.ARITHMETIC
    )
    missing = models.CharField("缺失处理", max_length=16, choices=Missing, default=Missing.ZERO)
    minimum_share = models.FloatField("最低数据占比", null=True, blank=True)
    floor = models.FloatField("几何下限", default=1.0, validators=[MinValueValidator(0)])
    bonus_cap = models.FloatField("加分上限", null=True, blank=True)
    rank_decimals = models.PositiveSmallIntegerField("排名小数位", default=9)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)
    published_at = models.DateTimeField("发布时间", null=True, blank=True)
    based_on = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="copies",
        verbose_name="复制自",
    )
    retired_at = models.DateTimeField("停用时间", null=True, blank=True, editable=False)
    retirement_reason = models.TextField("停用原因", blank=True, editable=False)

    class Meta:
        verbose_name = "指标体系"
        verbose_name_plural = "指标体系"
        ordering = ["code", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["code", "edition"], name="framework_code_edition_unique"),
            models.CheckConstraint(
                condition=models.Q(status="draft", published_at=None)
                | (~models.Q(status="draft") & models.Q(published_at__isnull=False)),
                name="framework_published_has_time",
            ),
            models.CheckConstraint(
                condition=models.Q(status="retired", retired_at__isnull=False)
                | (~models.Q(status="retired") & models.Q(retired_at=None)),
                name="framework_retired_has_time",
            ),
            models.CheckConstraint(
                condition=models.Q(minimum_share=None) | models.Q(minimum_share__gte=0, minimum_share__lte=1),
                name="framework_minimum_share_between_0_and_1",
            ),
            models.CheckConstraint(condition=models.Q(floor__gt=0), name="framework_floor_positive"),
            models.CheckConstraint(
                condition=models.Q(rank_decimals__lte=9), name="framework_rank_decimals_at_most_9"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name_zh}（{self.edition}）"

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT


class Indicator(models.Model):
    """A node of a framework's tree; dimensions are its roots, leaves carry a kind."""

    class Kind(models.TextChoices):
        QUANTITY = "quantity", "定量"
        RUBRIC = "rubric", "等级"
        CHECKLIST = "checklist", "要点"
        BONUS = "bonus", "加分"

    class Direction(models.IntegerChoices):
        POSITIVE = 1, "正向"
        NEGATIVE = -1, "逆向"

    framework = models.ForeignKey(
        Framework, on_delete=models.CASCADE, related_name="indicators", verbose_name="指标体系"
    )
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="children",
        verbose_name="上级指标",
    )
    position = models.PositiveIntegerField("次序", help_text="全体系内的先后，步长 10。")
    code = models.CharField("编号", max_length=64)
    name_zh = models.CharField("名称", max_length=200)
    name_en = models.CharField("英文名称", max_length=200, blank=True)
    weight = ExactDecimalField("权重", null=True, blank=True)
    points = ExactDecimalField("分值", null=True, blank=True)
    kind = models.CharField("类型", max_length=16, choices=Kind, blank=True)
    unit = models.CharField("单位", max_length=32, blank=True)
    curve = models.TextField("评分曲线", blank=True)
    normalise = models.CharField("归一化", max_length=64, blank=True)
    direction = models.SmallIntegerField("方向", choices=Direction, default=Direction.POSITIVE)
    aggregation = models.CharField("汇总方式", max_length=16, choices=Aggregation, blank=True)
    definition = models.TextField("口径", blank=True)
    evidence_hint = models.TextField("佐证要求", blank=True)
    evidence_min = models.PositiveSmallIntegerField("最少材料数", default=0)
    evidence_kinds = models.CharField(
        "材料类型", max_length=100, blank=True, help_text="扩展名，以分号分隔，例如 pdf;jpg；空为不限"
    )
    evidence_max_mb = models.PositiveSmallIntegerField("单个材料上限（MB）", null=True, blank=True)
    evidence_years = models.PositiveSmallIntegerField(
        "材料年限", null=True, blank=True, help_text="材料日期须在评价年度及其之前共几年内；空为不限"
    )
    department_hint = models.TextField("责任单位", blank=True)
    basis = models.TextField("依据", blank=True)

    class Meta:
        verbose_name = "指标"
        verbose_name_plural = "指标"
        ordering = ["framework", "position"]
        constraints = [
            models.UniqueConstraint(fields=["framework", "code"], name="indicator_code_unique"),
            models.CheckConstraint(
                condition=models.Q(direction__in=[1, -1]), name="indicator_direction_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name_zh}"

    @cached_property
    def level_list(self) -> "list[RubricLevel]":
        """Rubric levels in order; `queries.load_tree` fills it for a whole framework at once."""
        return list(self.levels.order_by("position", "id"))

    @cached_property
    def item_list(self) -> "list[ChecklistItem]":
        """Checklist items in order; `queries.load_tree` fills it for a whole framework at once."""
        return list(self.items.order_by("position", "id"))

    @property
    def is_leaf(self) -> bool:
        return bool(self.kind)

    @property
    def share(self) -> Decimal | None:
        """What the node declares for its part among its siblings: points where given, else weight."""
        return self.points if self.points is not None else self.weight

    @property
    def bonus_maximum(self) -> Decimal | None:
        return self.share if self.kind == self.Kind.BONUS else None


class RubricLevel(models.Model):
    indicator = models.ForeignKey(
        Indicator, on_delete=models.CASCADE, related_name="levels", verbose_name="指标"
    )
    position = models.PositiveSmallIntegerField("次序")
    level = models.CharField("等级", max_length=16)
    label = models.CharField("名称", max_length=64, blank=True)
    score_min = models.PositiveSmallIntegerField("最低分")
    score_max = models.PositiveSmallIntegerField("最高分")
    descriptor = models.TextField("描述", blank=True)

    class Meta:
        verbose_name = "评分等级"
        verbose_name_plural = "评分等级"
        ordering = ["indicator", "position"]
        constraints = [
            models.UniqueConstraint(fields=["indicator", "level"], name="rubric_level_unique"),
            models.CheckConstraint(
                condition=models.Q(score_min__lte=models.F("score_max"), score_max__lte=100),
                name="rubric_band_valid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.label}".strip()


class ChecklistItem(models.Model):
    indicator = models.ForeignKey(
        Indicator, on_delete=models.CASCADE, related_name="items", verbose_name="指标"
    )
    position = models.PositiveSmallIntegerField("次序")
    item = models.CharField("序号", max_length=16)
    score = ExactDecimalField("分值")
    text = models.TextField("要点")

    class Meta:
        verbose_name = "要点"
        verbose_name_plural = "要点"
        ordering = ["indicator", "position"]
        constraints = [models.UniqueConstraint(fields=["indicator", "item"], name="checklist_item_unique")]

    def __str__(self) -> str:
        return f"{self.item} {self.text}"
