from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cities", "0005_evidence")]
    operations: list = []
