from typing import Any

from django.db import migrations, models

from accounts.guards import install, remove
from indicators.guards import FRAMEWORK_GUARDS


def lift(_apps: Any, schema_editor: Any) -> None:
    """SQLite changes a table by writing it anew, which its own triggers would refuse, and drops them with the old one."""
    remove(FRAMEWORK_GUARDS, using=schema_editor.connection.alias)


def lower(_apps: Any, schema_editor: Any) -> None:
    install(FRAMEWORK_GUARDS, using=schema_editor.connection.alias)


class Migration(migrations.Migration):

    dependencies = [
        ('indicators', '0007_pending_import'),
    ]

    operations = [
        migrations.RunPython(lift, lower),
        migrations.AddField(
            model_name='indicator',
            name='evidence_kinds',
            field=models.CharField(blank=True, help_text='扩展名，以分号分隔，例如 pdf;jpg；空为不限', max_length=100, verbose_name='材料类型'),
        ),
        migrations.AddField(
            model_name='indicator',
            name='evidence_max_mb',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='单个材料上限（MB）'),
        ),
        migrations.AddField(
            model_name='indicator',
            name='evidence_years',
            field=models.PositiveSmallIntegerField(blank=True, help_text='材料日期须在评价年度及其之前共几年内；空为不限', null=True, verbose_name='材料年限'),
        ),
        migrations.RunPython(lower, lift),
    ]
