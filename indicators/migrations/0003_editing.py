import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("indicators", "0002_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="FrameworkChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="序号")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="时间")),
                ("summary", models.CharField(max_length=300, verbose_name="内容")),
                ("delta", models.JSONField(default=dict, verbose_name="前后")),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+",
                        to=settings.AUTH_USER_MODEL, verbose_name="操作人",
                    ),
                ),
                (
                    "framework",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="changes",
                        to="indicators.framework", verbose_name="指标体系",
                    ),
                ),
                (
                    "undoes",
                    models.OneToOneField(
                        blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="undone_by",
                        to="indicators.frameworkchange", verbose_name="撤销的改动",
                    ),
                ),
            ],
            options={
                "verbose_name": "改动",
                "verbose_name_plural": "改动",
                "ordering": ["framework", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("framework", "number"), name="framework_change_number_unique")
                ],
            },
        ),
    ]
