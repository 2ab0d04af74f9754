from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cities", "0001_initial")]
    operations = []
