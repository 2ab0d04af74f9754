from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cities", "0003_self_assessment")]
    operations: list = []
