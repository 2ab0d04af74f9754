from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from accounts.guards import install, remove
from indicators.guards import FRAMEWORK_GUARDS


def lift(_apps: Any, schema_editor: Any) -> None:
    """SQLite changes a table by writing it anew, which its own triggers, and those that name it, would refuse."""
    remove(FRAMEWORK_GUARDS, using=schema_editor.connection.alias)


def lower(_apps: Any, schema_editor: Any) -> None:
    install(FRAMEWORK_GUARDS, using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("indicators", "0004_weighting")]
    operations = [
        migrations.RunPython(lift, lower),
        migrations.AddField(
            model_name="framework",
            name="based_on",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="copies",
                to="indicators.framework",
                verbose_name="复制自",
            ),
        ),
        migrations.AddField(
            model_name="framework",
            name="retired_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="停用时间"),
        ),
        migrations.AddField(
            model_name="framework",
            name="retirement_reason",
            field=models.TextField(blank=True, editable=False, verbose_name="停用原因"),
        ),
        migrations.AddConstraint(
            model_name="framework",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("retired_at__isnull", False), ("status", "retired")),
                    models.Q(models.Q(("status", "retired"), _negated=True), ("retired_at", None)),
                    _connector="OR",
                ),
                name="framework_retired_has_time",
            ),
        ),
        migrations.RunPython(lower, lift),
    ]
