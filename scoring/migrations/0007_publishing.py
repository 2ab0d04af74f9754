from django.db import migrations

from accounts.guards import operation
from scoring.guards import RESULT_GUARDS


class Migration(migrations.Migration):
    dependencies = [("scoring", "0006_moderation")]
    operations = [operation(RESULT_GUARDS)]
