from django.db import migrations

from accounts.guards import operation
from indicators.guards import FRAMEWORK_GUARDS


class Migration(migrations.Migration):
    dependencies = [("indicators", "0001_initial"), ("accounts", "0002_guards")]
    operations = [operation(FRAMEWORK_GUARDS)]
