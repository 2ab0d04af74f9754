import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('indicators', '0005_editions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Consultation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200, verbose_name='标题')),
                ('invitation', models.TextField(blank=True, verbose_name='征求意见说明')),
                ('opened_at', models.DateTimeField(verbose_name='开始时间')),
                ('closes_at', models.DateTimeField(verbose_name='截止时间')),
                ('shares_comments', models.BooleanField(default=False, verbose_name='征求意见期间，参与者可以看到彼此的意见')),
                ('answers_published_at', models.DateTimeField(blank=True, null=True, verbose_name='采纳情况公布时间')),
                ('framework', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='consultation', to='indicators.framework', verbose_name='指标体系')),
                ('opened_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='发起人')),
            ],
            options={
                'verbose_name': '征求意见',
                'verbose_name_plural': '征求意见',
                'ordering': ['-opened_at'],
            },
        ),
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organisation', models.CharField(max_length=200, verbose_name='意见单位')),
                ('indicator_code', models.CharField(blank=True, max_length=64, verbose_name='指标编号')),
                ('indicator_name', models.CharField(blank=True, max_length=200, verbose_name='指标名称')),
                ('present', models.TextField(blank=True, verbose_name='征求意见稿内容')),
                ('kind', models.CharField(choices=[('weight', '权重（分值）'), ('rubric', '评分标准'), ('wording', '名称与口径'), ('other', '其他')], max_length=16, verbose_name='意见类型')),
                ('text', models.TextField(verbose_name='意见内容')),
                ('suggestion', models.TextField(blank=True, verbose_name='建议修改为')),
                ('reason', models.TextField(blank=True, verbose_name='理由')),
                ('source', models.CharField(choices=[('page', '网页'), ('workbook', 'Excel 导入')], default='page', max_length=16, verbose_name='来源')),
                ('created_at', models.DateTimeField(verbose_name='提出时间')),
                ('updated_at', models.DateTimeField(verbose_name='修改时间')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='撤回时间')),
                ('outcome', models.CharField(blank=True, choices=[('adopted', '采纳'), ('partly', '部分采纳'), ('declined', '不采纳')], max_length=16, verbose_name='采纳情况')),
                ('outcome_reason', models.TextField(blank=True, verbose_name='答复理由')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='答复时间')),
                ('next_code', models.CharField(blank=True, max_length=64, verbose_name='对应修改的指标')),
                ('answered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='答复人')),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='提出人')),
                ('next_framework', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='indicators.framework', verbose_name='对应修改的版本')),
                ('consultation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='comments', to='indicators.consultation', verbose_name='征求意见')),
            ],
            options={
                'verbose_name': '意见',
                'verbose_name_plural': '意见',
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalComment',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('organisation', models.CharField(max_length=200, verbose_name='意见单位')),
                ('indicator_code', models.CharField(blank=True, max_length=64, verbose_name='指标编号')),
                ('indicator_name', models.CharField(blank=True, max_length=200, verbose_name='指标名称')),
                ('present', models.TextField(blank=True, verbose_name='征求意见稿内容')),
                ('kind', models.CharField(choices=[('weight', '权重（分值）'), ('rubric', '评分标准'), ('wording', '名称与口径'), ('other', '其他')], max_length=16, verbose_name='意见类型')),
                ('text', models.TextField(verbose_name='意见内容')),
                ('suggestion', models.TextField(blank=True, verbose_name='建议修改为')),
                ('reason', models.TextField(blank=True, verbose_name='理由')),
                ('source', models.CharField(choices=[('page', '网页'), ('workbook', 'Excel 导入')], default='page', max_length=16, verbose_name='来源')),
                ('created_at', models.DateTimeField(verbose_name='提出时间')),
                ('updated_at', models.DateTimeField(verbose_name='修改时间')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='撤回时间')),
                ('outcome', models.CharField(blank=True, choices=[('adopted', '采纳'), ('partly', '部分采纳'), ('declined', '不采纳')], max_length=16, verbose_name='采纳情况')),
                ('outcome_reason', models.TextField(blank=True, verbose_name='答复理由')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='答复时间')),
                ('next_code', models.CharField(blank=True, max_length=64, verbose_name='对应修改的指标')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('answered_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='答复人')),
                ('author', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='提出人')),
                ('consultation', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='indicators.consultation', verbose_name='征求意见')),
                ('history_relation', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='log', to='indicators.comment')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('next_framework', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='indicators.framework', verbose_name='对应修改的版本')),
            ],
            options={
                'verbose_name': 'historical 意见',
                'verbose_name_plural': 'historical 意见',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.AddConstraint(
            model_name='consultation',
            constraint=models.CheckConstraint(condition=models.Q(('closes_at__gte', models.F('opened_at'))), name='consultation_closes_after_it_opens'),
        ),
        migrations.AddIndex(
            model_name='comment',
            index=models.Index(fields=['consultation', 'author'], name='comment_by_author'),
        ),
        migrations.AddConstraint(
            model_name='comment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answered_at', None), ('answered_by', None), ('outcome', '')), models.Q(models.Q(('outcome', ''), _negated=True), ('answered_at__isnull', False), models.Q(('outcome_reason', ''), _negated=True)), _connector='OR'), name='comment_answered_has_time_and_reason'),
        ),
        migrations.AddConstraint(
            model_name='comment',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='comment_says_something'),
        ),
    ]
