from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cities", "0008_cases")]
    operations: list = []
