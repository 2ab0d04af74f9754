from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cities", "0004_dividing")]
    operations: list = []
