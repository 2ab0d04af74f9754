import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('indicators', '0003_editing'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='WeightAdoption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group_code', models.CharField(max_length=64, verbose_name='上级编号')),
                ('group_name', models.CharField(max_length=200, verbose_name='名称')),
                ('method', models.CharField(choices=[('equal', '等权'), ('given', '指定'), ('ahp', '层次分析法（AHP）'), ('entropy', '熵值法'), ('critic', 'CRITIC 法'), ('pca', '主成分法')], max_length=16, verbose_name='方法')),
                ('ratio', models.FloatField(blank=True, null=True, verbose_name='一致性比例')),
                ('detail', models.JSONField(default=dict, verbose_name='详情')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='采用时间')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='采用人')),
                ('framework', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='weight_adoptions', to='indicators.framework', verbose_name='指标体系')),
            ],
            options={
                'verbose_name': '权重采用记录',
                'verbose_name_plural': '权重采用记录',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='WeightingExercise',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.TextField(blank=True, verbose_name='说明')),
                ('opened_at', models.DateTimeField(auto_now_add=True, verbose_name='发起时间')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='结束时间')),
                ('framework', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='weighting_exercises', to='indicators.framework', verbose_name='指标体系')),
                ('opened_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='发起人')),
            ],
            options={
                'verbose_name': '层次分析',
                'verbose_name_plural': '层次分析',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='WeightingGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(verbose_name='次序')),
                ('code', models.CharField(max_length=64, verbose_name='上级编号')),
                ('name', models.CharField(max_length=200, verbose_name='名称')),
                ('members', models.JSONField(verbose_name='同级指标')),
                ('exercise', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='groups', to='indicators.weightingexercise', verbose_name='层次分析')),
            ],
            options={
                'verbose_name': '同级指标组',
                'verbose_name_plural': '同级指标组',
                'ordering': ['exercise', 'position'],
            },
        ),
        migrations.CreateModel(
            name='WeightingSheet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='完成时间')),
                ('expert', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='weighting_sheets', to=settings.AUTH_USER_MODEL, verbose_name='专家')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sheets', to='indicators.weightinggroup', verbose_name='同级指标组')),
            ],
            options={
                'verbose_name': '两两比较表',
                'verbose_name_plural': '两两比较表',
                'ordering': ['group', 'id'],
            },
        ),
        migrations.CreateModel(
            name='PairwiseJudgement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first', models.CharField(max_length=64, verbose_name='指标甲')),
                ('second', models.CharField(max_length=64, verbose_name='指标乙')),
                ('step', models.SmallIntegerField(verbose_name='判断')),
                ('sheet', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='judgements', to='indicators.weightingsheet', verbose_name='两两比较表')),
            ],
            options={
                'verbose_name': '两两比较',
                'verbose_name_plural': '两两比较',
            },
        ),
        migrations.AddConstraint(
            model_name='weightinggroup',
            constraint=models.UniqueConstraint(fields=('exercise', 'code'), name='weighting_group_once'),
        ),
        migrations.AddConstraint(
            model_name='weightingsheet',
            constraint=models.UniqueConstraint(fields=('group', 'expert'), name='weighting_sheet_one_per_expert'),
        ),
        migrations.AddConstraint(
            model_name='pairwisejudgement',
            constraint=models.UniqueConstraint(fields=('sheet', 'first', 'second'), name='pairwise_judgement_once'),
        ),
        migrations.AddConstraint(
            model_name='pairwisejudgement',
            constraint=models.CheckConstraint(condition=models.Q(('step__in', [1, 2, 3, 4, 5, 6, 7, 8, 9, -9, -8, -7, -6, -5, -4, -3, -2])), name='pairwise_judgement_on_the_scale'),
        ),
    ]
