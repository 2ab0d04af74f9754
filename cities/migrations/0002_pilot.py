from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cities", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="round",
            name="is_pilot",
            field=models.BooleanField(default=False, verbose_name="试点"),
        ),
    ]
