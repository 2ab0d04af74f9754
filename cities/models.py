"""Who is evaluated, in which round, and what they reported with which evidence."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from cities.codes import validate_code
from indicators.models import Framework, Indicator, Missing
from indicators.organisations import finds_organisation


class City(models.Model):
    class Level(models.TextChoices):
        MUNICIPALITY = "municipality", "直辖市"
        SUBPROVINCIAL = "subprovincial", "副省级市"
        PREFECTURE = "prefecture", "地级市"
        COUNTY = "county", "县级市"

    class Region(models.TextChoices):
        EAST = "east", "东部"
        CENTRAL = "central", "中部"
        WEST = "west", "西部"
        NORTHEAST = "northeast", "东北"

    code = models.CharField("代码", max_length=64, unique=True, validators=[validate_code])
    adcode = models.CharField("行政区划代码", max_length=6, unique=True, null=True, blank=True)
    name_zh = models.CharField("名称", max_length=100)
    name_en = models.CharField("英文名称", max_length=100, blank=True)
    province_zh = models.CharField("省份", max_length=100, blank=True)
    level = models.CharField("级别", max_length=16, choices=Level, blank=True)
    region = models.CharField("区域", max_length=16, choices=Region, blank=True)
    case_title_zh = models.CharField("案例题目", max_length=200, blank=True)
    case_page = models.PositiveIntegerField("案例页码", null=True, blank=True)

    class Meta:
        verbose_name = "城市"
        verbose_name_plural = "城市"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name_zh


class Department(models.Model):
    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="departments", verbose_name="城市")
    name = models.CharField("名称", max_length=100)

    class Meta:
        verbose_name = "部门"
        verbose_name_plural = "部门"
        ordering = ["city", "name"]
        constraints = [models.UniqueConstraint(fields=["city", "name"], name="department_unique")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a person may do for a city: the lead submits, an editor fills in."""

    class Role(models.TextChoices):
        LEAD = "lead", "市级牵头"
        EDITOR = "editor", "部门填报员"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name="用户"
    )
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="memberships", verbose_name="城市")
    department = models.ForeignKey(
        Department, null=True, blank=True, on_delete=models.SET_NULL, verbose_name="部门"
    )
    role = models.CharField("职责", max_length=16, choices=Role, default=Role.EDITOR)

    class Meta:
        verbose_name = "城市成员"
        verbose_name_plural = "城市成员"
        constraints = [models.UniqueConstraint(fields=["user", "city"], name="membership_unique")]

    def __str__(self) -> str:
        return f"{self.user} · {self.city}"


@finds_organisation
def workplace_of(user: Any) -> str:
    """The cities and departments that somebody works for: 甲市教育局; several are joined by 、."""
    places = Membership.objects.filter(user=user).select_related("city", "department").order_by("id")
    return "、".join(f"{place.city}{place.department or ''}" for place in places)


class Round(models.Model):
    """One evaluation: a framework edition, a year, dates and the rules it declares."""

    class Panel(models.TextChoices):
        MEAN = "mean", "平均分"
        MEDIAN = "median", "中位数"
        TRIMMED = "trimmed", "去掉一个最高分和一个最低分"

    class Unreviewed(models.TextChoices):
        STAND = "stand", "自评分直接采用"
        BLOCK = "block", "未评不计分"

    code = models.CharField("代码", max_length=64, unique=True, validators=[validate_code])
    name = models.CharField("名称", max_length=200)
    framework = models.ForeignKey(
        Framework, on_delete=models.PROTECT, related_name="rounds", verbose_name="指标体系"
    )
    year = models.PositiveSmallIntegerField("评价年度")
    opens_at = models.DateTimeField("开始填报", null=True, blank=True)
    closes_at = models.DateTimeField("截止填报", null=True, blank=True)
    missing = models.CharField("缺失处理", max_length=16, choices=Missing, default=Missing.ZERO)
    panel = models.CharField("评审汇总", max_length=16, choices=Panel, default=Panel.MEAN)
    unreviewed = models.CharField("未评审的指标", max_length=16, choices=Unreviewed, default=Unreviewed.BLOCK)
    is_demo = models.BooleanField("演示数据", default=False)
    is_pilot = models.BooleanField("试点", default=False)
    results_published_at = models.DateTimeField("结果公布时间", null=True, blank=True)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)

    class Meta:
        verbose_name = "轮次"
        verbose_name_plural = "轮次"
        ordering = ["-year", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_at=None) | Q(opens_at=None) | Q(closes_at__gt=F("opens_at")),
                name="round_closes_after_it_opens",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def marks(self) -> list[str]:
        """What every page, chart and export has to say of the kind of round this is."""
        return [word for word, holds in (("演示数据", self.is_demo), ("试点", self.is_pilot)) if holds]

    def accepts_answers(self, at: Any = None) -> bool:
        """Whether answers may be changed at this moment by the server's clock."""
        at = at or timezone.now()
        return (self.opens_at is None or self.opens_at <= at) and (
            self.closes_at is None or at < self.closes_at
        )

    def days_left(self) -> int | None:
        """Whole days until the deadline; None without one, or when it has passed."""
        left = self.closes_at - timezone.now() if self.closes_at else None
        return left.days if left is not None and left.total_seconds() > 0 else None


class Submission(models.Model):
    """One city's self-assessment in a round."""

    class Status(models.TextChoices):
        FILLING = "filling", "填报中"
        SUBMITTED = "submitted", "已提交"
        RETURNED = "returned", "已退回"
        IN_REVIEW = "in_review", "评审中"
        PROVISIONAL = "provisional", "结果待确认"
        APPEALED = "appealed", "申诉中"
        FINAL = "final", "已定稿"

    #: what counts as submitted: scored, reviewed, shown
    HANDED_IN = (Status.SUBMITTED, Status.IN_REVIEW, Status.PROVISIONAL, Status.APPEALED, Status.FINAL)

    round = models.ForeignKey(
        Round, on_delete=models.PROTECT, related_name="submissions", verbose_name="轮次"
    )
    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="submissions", verbose_name="城市")
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.FILLING)
    submitted_at = models.DateTimeField("提交时间", null=True, blank=True)

    class Meta:
        verbose_name = "填报"
        verbose_name_plural = "填报"
        ordering = ["round", "city"]
        constraints = [
            models.UniqueConstraint(fields=["round", "city"], name="submission_one_per_city_and_round"),
            models.CheckConstraint(
                condition=Q(status="filling", submitted_at=None)
                | (~Q(status="filling") & Q(submitted_at__isnull=False)),
                name="submission_submitted_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round} · {self.city}"

    @property
    def is_handed_in(self) -> bool:
        return self.status in self.HANDED_IN


class ChangeSource(models.TextChoices):
    """Where a change of an answer or a mark came from; kept in its history."""

    PAGE = "page", "网页"
    WORKBOOK = "workbook", "Excel 导入"
    UNDO = "undo", "撤销"
    DEMO = "demo", "演示数据"


class Answer(models.Model):
    """What a city reports for one leaf. Created empty with the submission, so there is always a row to lock.

    `value` is the number that scoring reads, in the leaf's own unit: x for a quantity, a score 0–100 for a
    rubric or a checklist, points for a bonus. `value_text` is what was typed, also when it is no number yet.
    """

    class Status(models.TextChoices):
        EMPTY = "empty", "未开始"
        DRAFT = "draft", "填写中"
        READY = "ready", "待市级审核"
        APPROVED = "approved", "已完成"
        RETURNED = "returned", "已退回"

    class ValueState(models.TextChoices):
        BLANK = "blank", "未填"
        VALUE = "value", "已填"
        NOT_APPLICABLE = "not_applicable", "不适用"
        UNAVAILABLE = "unavailable", "无法提供"

    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="answers", verbose_name="填报"
    )
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+", verbose_name="指标")
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.EMPTY)
    value_state = models.CharField("内容", max_length=16, choices=ValueState, default=ValueState.BLANK)
    value_text = models.CharField("填写的数值", max_length=200, blank=True)
    value = models.FloatField("数值", null=True, blank=True)
    level = models.CharField("等级", max_length=16, blank=True)
    items = models.CharField("已达到的要点", max_length=400, blank=True, help_text="以分号分隔的序号")
    reason = models.TextField("原因", blank=True)
    narrative = models.TextField("情况说明", blank=True)
    version = models.PositiveIntegerField("版本", default=0)
    updated_at = models.DateTimeField("更新时间", null=True, blank=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="更新人",
    )
    history = HistoricalRecords(related_name="log", excluded_fields=["updated_at", "updated_by"])
    log: Any  # the versions, oldest first by `version`
    _history_user: Any
    _change_reason: str

    class Meta:
        verbose_name = "填报内容"
        verbose_name_plural = "填报内容"
        constraints = [
            models.UniqueConstraint(fields=["submission", "indicator"], name="answer_one_per_leaf"),
            models.CheckConstraint(
                condition=Q(value_state="value", value__isnull=False)
                | (~Q(value_state="value") & Q(value__isnull=True)),
                name="answer_value_exactly_when_state_says_so",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} · {self.indicator}"

    @property
    def item_list(self) -> list[str]:
        return [item for item in self.items.split(";") if item]


class EvidenceFile(models.Model):
    """The bytes of a file, stored once under their SHA-256."""

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField("字节数")
    content_type = models.CharField("类型", max_length=100)
    stored_at = models.DateTimeField("存入时间", auto_now_add=True)

    class Meta:
        verbose_name = "佐证文件"
        verbose_name_plural = "佐证文件"

    def __str__(self) -> str:
        return self.sha256[:12]


class Evidence(models.Model):
    """A file put forward for one indicator, under a number that is never used again."""

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="evidence", verbose_name="填报"
    )
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+", verbose_name="指标")
    sequence = models.PositiveSmallIntegerField("序号")
    file = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, related_name="uses", verbose_name="文件")
    filename = models.CharField("文件名", max_length=255)
    locator = models.CharField("页码", max_length=100, blank=True)
    added_at = models.DateTimeField("上传时间", auto_now_add=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="上传人"
    )
    deleted_at = models.DateTimeField("删除时间", null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="删除人",
    )

    class Meta:
        verbose_name = "佐证材料"
        verbose_name_plural = "佐证材料"
        ordering = ["indicator__position", "sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "indicator", "sequence"], name="evidence_number_never_reused"
            ),
            models.CheckConstraint(
                condition=Q(deleted_at=None, deleted_by=None)
                | Q(deleted_at__isnull=False, deleted_by__isnull=False),
                name="evidence_deleted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.filename}"

    @property
    def number(self) -> str:
        return f"{self.indicator.code}-{self.sequence:02d}"


class Receipt(models.Model):
    """Proof of one submission: what was handed in, when, by whom, under which digest."""

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="receipts", verbose_name="填报"
    )
    number = models.CharField("回执编号", max_length=100, unique=True)
    sequence = models.PositiveSmallIntegerField("第几次提交", default=1)
    at = models.DateTimeField("提交时间")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="提交人"
    )
    sha256 = models.CharField("内容摘要", max_length=64)
    content = models.JSONField("提交内容")

    class Meta:
        verbose_name = "回执"
        verbose_name_plural = "回执"
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["submission", "sequence"], name="receipt_one_per_submitting"),
        ]

    def __str__(self) -> str:
        return self.number
