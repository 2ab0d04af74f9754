import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cities', '0003_self_assessment'),
        ('indicators', '0008_evidence_rules'),
        ('scoring', '0004_published_snapshot'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalmark',
            name='confidence',
            field=models.PositiveSmallIntegerField(blank=True, choices=[(1, '把握不大'), (2, '比较有把握'), (3, '很有把握')], null=True, verbose_name='把握程度'),
        ),
        migrations.AddField(
            model_name='historicalmark',
            name='source',
            field=models.CharField(blank=True, max_length=300, verbose_name='认定值的出处'),
        ),
        migrations.AddField(
            model_name='mark',
            name='confidence',
            field=models.PositiveSmallIntegerField(blank=True, choices=[(1, '把握不大'), (2, '比较有把握'), (3, '很有把握')], null=True, verbose_name='把握程度'),
        ),
        migrations.AddField(
            model_name='mark',
            name='source',
            field=models.CharField(blank=True, max_length=300, verbose_name='认定值的出处'),
        ),
        migrations.AddField(
            model_name='resultsnapshot',
            name='erratum',
            field=models.TextField(blank=True, verbose_name='更正说明'),
        ),
        migrations.AddField(
            model_name='resultsnapshot',
            name='finalised_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='定稿时间'),
        ),
        migrations.AddField(
            model_name='resultsnapshot',
            name='finalised_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='定稿人'),
        ),
        migrations.AddField(
            model_name='resultsnapshot',
            name='provisional_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='送城市确认时间'),
        ),
        migrations.AddField(
            model_name='reviewassignment',
            name='assigned_at',
            field=models.DateTimeField(auto_now_add=True, null=True, verbose_name='分配时间'),
        ),
        migrations.AddField(
            model_name='reviewassignment',
            name='dimensions',
            field=models.JSONField(blank=True, default=list, help_text='维度代码；空为全部', verbose_name='负责的维度'),
        ),
        migrations.CreateModel(
            name='Appeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('open', '待答复'), ('upheld', '予以调整'), ('dismissed', '维持原结果'), ('withdrawn', '已撤回')], default='open', max_length=16, verbose_name='状态')),
                ('reason', models.TextField(verbose_name='申诉理由')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='申诉时间')),
                ('reply', models.TextField(blank=True, verbose_name='答复')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='答复时间')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='申诉人')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='答复人')),
                ('indicator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='indicators.indicator', verbose_name='指标')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='appeals', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': '申诉',
                'verbose_name_plural': '申诉',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='CaseSelection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_selected', models.BooleanField(verbose_name='收入案例集')),
                ('reason', models.TextField(blank=True, verbose_name='理由')),
                ('at', models.DateTimeField(auto_now=True, verbose_name='决定时间')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='决定人')),
                ('submission', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='case_selection', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': '案例遴选',
                'verbose_name_plural': '案例遴选',
            },
        ),
        migrations.CreateModel(
            name='Divergence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('open', '待处理'), ('reconsidering', '复议中'), ('ruled', '已裁定'), ('accepted', '保留各自评分'), ('resolved', '已趋一致')], default='open', max_length=16, verbose_name='状态')),
                ('range_points', models.FloatField(verbose_name='极差（分）')),
                ('range_levels', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='极差（等级）')),
                ('opened_at', models.DateTimeField(auto_now_add=True, verbose_name='出现时间')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='处理时间')),
                ('note', models.TextField(blank=True, verbose_name='处理说明')),
                ('closed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='处理人')),
                ('indicator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='indicators.indicator', verbose_name='指标')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='divergences', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': '分歧',
                'verbose_name_plural': '分歧',
                'ordering': ['-range_points', 'id'],
            },
        ),
        migrations.CreateModel(
            name='DocumentJob',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('city_reports', '各市报告（压缩包）'), ('round_report', '本轮报告'), ('case_collection', '案例集'), ('workbook', '结果工作簿')], max_length=16, verbose_name='类别')),
                ('options', models.JSONField(default=dict, verbose_name='选项')),
                ('status', models.CharField(choices=[('waiting', '排队中'), ('running', '计算中'), ('done', '已完成'), ('failed', '失败')], default='waiting', max_length=16, verbose_name='状态')),
                ('step', models.CharField(blank=True, max_length=64, verbose_name='步骤')),
                ('done', models.PositiveSmallIntegerField(default=0, verbose_name='进度（百分比）')),
                ('error', models.TextField(blank=True, verbose_name='错误')),
                ('filename', models.CharField(blank=True, max_length=255, verbose_name='文件名')),
                ('stored_as', models.CharField(blank=True, max_length=200, verbose_name='存放位置')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='提交时间')),
                ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='开始时间')),
                ('beat_at', models.DateTimeField(blank=True, null=True, verbose_name='最近进展')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='结束时间')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='提交人')),
                ('round', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='document_jobs', to='cities.round', verbose_name='轮次')),
                ('snapshot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='document_jobs', to='scoring.resultsnapshot', verbose_name='快照')),
            ],
            options={
                'verbose_name': '文件任务',
                'verbose_name_plural': '文件任务',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Phrase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=200, verbose_name='常用语')),
                ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='phrases', to=settings.AUTH_USER_MODEL, verbose_name='评审专家')),
            ],
            options={
                'verbose_name': '常用语',
                'verbose_name_plural': '常用语',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Recommendation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField(verbose_name='推荐理由')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='时间')),
                ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='推荐人')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recommendations', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': '案例推荐',
                'verbose_name_plural': '案例推荐',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Reconsideration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.TextField(verbose_name='复议说明')),
                ('asked_at', models.DateTimeField(auto_now_add=True, verbose_name='提出时间')),
                ('due_at', models.DateTimeField(verbose_name='复议截止')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='答复时间')),
                ('kept', models.BooleanField(blank=True, null=True, verbose_name='维持原评分')),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='提出人')),
                ('assignment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reconsiderations', to='scoring.reviewassignment', verbose_name='评审任务')),
                ('divergence', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reconsiderations', to='scoring.divergence', verbose_name='分歧')),
            ],
            options={
                'verbose_name': '复议',
                'verbose_name_plural': '复议',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Recusal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('conflict', '回避'), ('declined', '谢绝')], max_length=16, verbose_name='类别')),
                ('reason', models.TextField(verbose_name='原因')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='时间')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='登记人')),
                ('city', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cities.city', verbose_name='城市')),
                ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recusals', to=settings.AUTH_USER_MODEL, verbose_name='评审专家')),
                ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recusals', to='cities.round', verbose_name='轮次')),
            ],
            options={
                'verbose_name': '回避',
                'verbose_name_plural': '回避',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ReviewerProfile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('province_zh', models.CharField(blank=True, max_length=100, verbose_name='所在省份')),
                ('most_cities', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='最多评审城市数')),
                ('city', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cities.city', verbose_name='所在城市')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='reviewer_profile', to=settings.AUTH_USER_MODEL, verbose_name='评审专家')),
            ],
            options={
                'verbose_name': '评审专家资料',
                'verbose_name_plural': '评审专家资料',
            },
        ),
        migrations.CreateModel(
            name='Ruling',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value_text', models.CharField(blank=True, max_length=200, verbose_name='填写的数值')),
                ('value', models.FloatField(blank=True, null=True, verbose_name='数值')),
                ('level', models.CharField(blank=True, max_length=16, verbose_name='等级')),
                ('items', models.CharField(blank=True, max_length=400, verbose_name='认定达到的要点')),
                ('accepts_not_applicable', models.BooleanField(default=False, verbose_name='同意不适用')),
                ('reason', models.TextField(verbose_name='裁定理由')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='裁定时间')),
                ('superseded_at', models.DateTimeField(blank=True, null=True, verbose_name='被替代时间')),
                ('appeal', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='rulings', to='scoring.appeal', verbose_name='申诉')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='裁定人')),
                ('indicator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='indicators.indicator', verbose_name='指标')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rulings', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': '裁定',
                'verbose_name_plural': '裁定',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='SiteVisit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_on', models.DateField(verbose_name='开始日期')),
                ('ends_on', models.DateField(verbose_name='结束日期')),
                ('other_members', models.CharField(blank=True, max_length=300, verbose_name='其他成员')),
                ('itinerary', models.TextField(blank=True, verbose_name='行程')),
                ('summary', models.TextField(blank=True, verbose_name='考察小结')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='登记时间')),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='登记人')),
                ('members', models.ManyToManyField(blank=True, related_name='site_visits', to=settings.AUTH_USER_MODEL, verbose_name='考察组成员')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='visits', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': '实地考察',
                'verbose_name_plural': '实地考察',
                'ordering': ['-starts_on', '-id'],
            },
        ),
        migrations.CreateModel(
            name='SiteVisitNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(verbose_name='记录')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='时间')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='记录人')),
                ('indicator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='indicators.indicator', verbose_name='指标')),
                ('visit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='scoring.sitevisit', verbose_name='考察')),
            ],
            options={
                'verbose_name': '考察记录',
                'verbose_name_plural': '考察记录',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='SiteVisitPhoto',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('filename', models.CharField(max_length=255, verbose_name='文件名')),
                ('caption', models.CharField(blank=True, max_length=200, verbose_name='说明')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='时间')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='上传人')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cities.evidencefile', verbose_name='文件')),
                ('indicator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='indicators.indicator', verbose_name='指标')),
                ('visit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='photos', to='scoring.sitevisit', verbose_name='考察')),
            ],
            options={
                'verbose_name': '考察照片',
                'verbose_name_plural': '考察照片',
                'ordering': ['id'],
            },
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'open')), fields=('submission', 'indicator'), name='appeal_one_open_per_leaf'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('decided_by', None)), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='appeal_decided_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='divergence',
            constraint=models.UniqueConstraint(fields=('submission', 'indicator'), name='divergence_one_per_cell'),
        ),
        migrations.AddConstraint(
            model_name='documentjob',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['waiting', 'running'])), fields=('snapshot', 'kind'), name='document_job_one_open_per_kind'),
        ),
        migrations.AddConstraint(
            model_name='phrase',
            constraint=models.UniqueConstraint(fields=('reviewer', 'text'), name='phrase_once'),
        ),
        migrations.AddConstraint(
            model_name='recommendation',
            constraint=models.UniqueConstraint(fields=('submission', 'reviewer'), name='recommendation_one_per_reviewer'),
        ),
        migrations.AddConstraint(
            model_name='reconsideration',
            constraint=models.UniqueConstraint(condition=models.Q(('answered_at', None)), fields=('divergence', 'assignment'), name='reconsideration_one_open'),
        ),
        migrations.AddConstraint(
            model_name='recusal',
            constraint=models.UniqueConstraint(fields=('round', 'reviewer', 'city'), name='recusal_one_per_city'),
        ),
        migrations.AddConstraint(
            model_name='ruling',
            constraint=models.UniqueConstraint(condition=models.Q(('superseded_at', None)), fields=('submission', 'indicator'), name='ruling_one_in_force_per_leaf'),
        ),
        migrations.AddConstraint(
            model_name='ruling',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('accepts_not_applicable', False), ('value__isnull', False)), models.Q(('accepts_not_applicable', True), ('value__isnull', True)), _connector='OR'), name='ruling_says_one_thing'),
        ),
        migrations.AddConstraint(
            model_name='ruling',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='ruling_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='sitevisit',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on__gte', models.F('starts_on'))), name='visit_ends_after_it_starts'),
        ),
    ]
