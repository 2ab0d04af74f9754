import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cities', '0002_pilot'),
        ('indicators', '0008_evidence_rules'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='city',
            name='population',
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=9, null=True, verbose_name='常住人口（万人）'),
        ),
        migrations.AddField(
            model_name='evidence',
            name='copied_from',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cities.evidence', verbose_name='引自'),
        ),
        migrations.AddField(
            model_name='evidence',
            name='dated_on',
            field=models.DateField(blank=True, null=True, verbose_name='材料日期'),
        ),
        migrations.AddField(
            model_name='evidence',
            name='occasion',
            field=models.CharField(choices=[('filling', '填报'), ('supplement', '补充说明'), ('appeal', '申诉')], default='filling', max_length=16, verbose_name='提交时机'),
        ),
        migrations.AddField(
            model_name='evidence',
            name='title',
            field=models.CharField(blank=True, max_length=200, verbose_name='材料名称'),
        ),
        migrations.AddField(
            model_name='round',
            name='appeals_until',
            field=models.DateTimeField(blank=True, null=True, verbose_name='申诉截止'),
        ),
        migrations.AddField(
            model_name='round',
            name='audience',
            field=models.CharField(choices=[('own', '各市只看本市'), ('participants', '参评城市与评审专家'), ('public', '社会公众')], default='participants', max_length=16, verbose_name='结果公开范围'),
        ),
        migrations.AddField(
            model_name='round',
            name='change_threshold',
            field=models.PositiveSmallIntegerField(default=50, help_text='与上一轮相差超过此百分比的数值需说明。', verbose_name='同比变化提示（%）'),
        ),
        migrations.AddField(
            model_name='round',
            name='divergence_levels',
            field=models.PositiveSmallIntegerField(default=2, verbose_name='分歧阈值（等级）'),
        ),
        migrations.AddField(
            model_name='round',
            name='divergence_points',
            field=models.FloatField(default=20, verbose_name='分歧阈值（分）'),
        ),
        migrations.AddField(
            model_name='round',
            name='results_expected_on',
            field=models.DateField(blank=True, null=True, verbose_name='预计公布日期'),
        ),
        migrations.AddField(
            model_name='round',
            name='shows_ranks',
            field=models.BooleanField(default=True, verbose_name='公布名次'),
        ),
        migrations.AddField(
            model_name='submission',
            name='extended_to',
            field=models.DateTimeField(blank=True, null=True, verbose_name='延期至'),
        ),
        migrations.AddField(
            model_name='submission',
            name='is_anchor',
            field=models.BooleanField(default=False, verbose_name='校准城市'),
        ),
        migrations.AddField(
            model_name='submission',
            name='is_listed',
            field=models.BooleanField(default=True, verbose_name='列入公开名单'),
        ),
        migrations.CreateModel(
            name='CaseSection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(choices=[('title', '案例题目'), ('background', '背景'), ('practice', '主要做法'), ('results', '成效'), ('lessons', '经验与启示'), ('outlook', '展望')], max_length=16, verbose_name='部分')),
                ('text', models.TextField(blank=True, verbose_name='内容')),
                ('status', models.CharField(choices=[('empty', '未开始'), ('draft', '填写中'), ('ready', '待市级审核'), ('approved', '已完成'), ('returned', '已退回')], default='empty', max_length=16, verbose_name='状态')),
                ('due_on', models.DateField(blank=True, null=True, verbose_name='内部截止日期')),
                ('version', models.PositiveIntegerField(default=0, verbose_name='版本')),
                ('updated_at', models.DateTimeField(blank=True, null=True, verbose_name='更新时间')),
                ('lead_department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cities.department', verbose_name='牵头单位')),
                ('person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='责任人')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='case_sections', to='cities.submission', verbose_name='填报')),
                ('updated_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='更新人')),
            ],
            options={
                'verbose_name': '城市案例',
                'verbose_name_plural': '城市案例',
            },
        ),
        migrations.CreateModel(
            name='CasePicture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('filename', models.CharField(max_length=255, verbose_name='文件名')),
                ('caption', models.CharField(max_length=200, verbose_name='图注')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='次序')),
                ('added_at', models.DateTimeField(auto_now_add=True, verbose_name='上传时间')),
                ('deleted_at', models.DateTimeField(blank=True, null=True, verbose_name='删除时间')),
                ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='上传人')),
                ('deleted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='删除人')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cities.evidencefile', verbose_name='文件')),
                ('section', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pictures', to='cities.casesection', verbose_name='部分')),
            ],
            options={
                'verbose_name': '案例图片',
                'verbose_name_plural': '案例图片',
                'ordering': ['section', 'position', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Extension',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('closes_at', models.DateTimeField(verbose_name='延期至')),
                ('reason', models.TextField(verbose_name='原因')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='批准时间')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='批准人')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='extensions', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': '延期',
                'verbose_name_plural': '延期',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalCaseSection',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('key', models.CharField(choices=[('title', '案例题目'), ('background', '背景'), ('practice', '主要做法'), ('results', '成效'), ('lessons', '经验与启示'), ('outlook', '展望')], max_length=16, verbose_name='部分')),
                ('text', models.TextField(blank=True, verbose_name='内容')),
                ('status', models.CharField(choices=[('empty', '未开始'), ('draft', '填写中'), ('ready', '待市级审核'), ('approved', '已完成'), ('returned', '已退回')], default='empty', max_length=16, verbose_name='状态')),
                ('version', models.PositiveIntegerField(default=0, verbose_name='版本')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_relation', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='log', to='cities.casesection')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('submission', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': 'historical 城市案例',
                'verbose_name_plural': 'historical 城市案例',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('lead', '市级牵头'), ('editor', '部门填报员')], default='editor', max_length=16, verbose_name='职责')),
                ('display_name', models.CharField(blank=True, max_length=64, verbose_name='姓名')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='邮箱')),
                ('token_sha256', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='发出时间')),
                ('expires_at', models.DateTimeField(verbose_name='有效期至')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='撤回时间')),
                ('used_at', models.DateTimeField(blank=True, null=True, verbose_name='使用时间')),
                ('city', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='cities.city', verbose_name='城市')),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='邀请人')),
                ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cities.department', verbose_name='部门')),
                ('used_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='受邀人')),
            ],
            options={
                'verbose_name': '邀请',
                'verbose_name_plural': '邀请',
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='LateDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content', models.JSONField(help_text='逐字段，与填报内容的字段同名', verbose_name='内容')),
                ('seen_version', models.PositiveIntegerField(verbose_name='所见版本')),
                ('at', models.DateTimeField(verbose_name='时间')),
                ('admitted_at', models.DateTimeField(blank=True, null=True, verbose_name='采纳时间')),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='late_drafts', to='cities.answer', verbose_name='填报内容')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='填写人')),
            ],
            options={
                'verbose_name': '逾期草稿',
                'verbose_name_plural': '逾期草稿',
                'ordering': ['-at'],
            },
        ),
        migrations.CreateModel(
            name='Responsibility',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_on', models.DateField(blank=True, null=True, verbose_name='内部截止日期')),
                ('answer', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='responsibility', to='cities.answer', verbose_name='填报内容')),
                ('lead_department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cities.department', verbose_name='牵头单位')),
                ('person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='responsibilities', to=settings.AUTH_USER_MODEL, verbose_name='责任人')),
                ('supporting_departments', models.ManyToManyField(blank=True, related_name='+', to='cities.department', verbose_name='配合单位')),
            ],
            options={
                'verbose_name': '责任分解',
                'verbose_name_plural': '责任分解',
            },
        ),
        migrations.CreateModel(
            name='Return',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('internal', '市内退回'), ('official', '退回修改')], max_length=16, verbose_name='类别')),
                ('reason', models.TextField(blank=True, verbose_name='总的说明')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='退回时间')),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='重新提交截止')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='办结时间')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='退回人')),
                ('receipt', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cities.receipt', verbose_name='重新提交的回执')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='returns', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': '退回',
                'verbose_name_plural': '退回',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ReturnItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('remark', models.TextField(verbose_name='退回意见')),
                ('answer_version', models.PositiveIntegerField(verbose_name='退回时的版本')),
                ('resolved_at', models.DateTimeField(blank=True, null=True, verbose_name='改好时间')),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='return_items', to='cities.answer', verbose_name='填报内容')),
                ('part_of', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='cities.return', verbose_name='退回')),
            ],
            options={
                'verbose_name': '退回的指标',
                'verbose_name_plural': '退回的指标',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Supplement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seat', models.PositiveSmallIntegerField(verbose_name='席位')),
                ('question', models.TextField(verbose_name='需补充的内容')),
                ('asked_at', models.DateTimeField(auto_now_add=True, verbose_name='提问时间')),
                ('due_on', models.DateField(blank=True, null=True, verbose_name='答复期限')),
                ('reply', models.TextField(blank=True, verbose_name='答复')),
                ('replied_at', models.DateTimeField(blank=True, null=True, verbose_name='答复时间')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='撤回时间')),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='提问人')),
                ('indicator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='indicators.indicator', verbose_name='指标')),
                ('replied_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='答复人')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='supplements', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': '补充说明',
                'verbose_name_plural': '补充说明',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='BulkUpload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('workbook', '填报表'), ('files', '佐证材料压缩包')], max_length=16, verbose_name='类别')),
                ('status', models.CharField(choices=[('pending', '待确认'), ('confirmed', '已导入'), ('undone', '已撤销'), ('dropped', '已放弃')], default='pending', max_length=16, verbose_name='状态')),
                ('filename', models.CharField(max_length=255, verbose_name='文件名')),
                ('stored_as', models.CharField(blank=True, max_length=200, verbose_name='存放位置')),
                ('plan', models.JSONField(default=dict, verbose_name='检查结果')),
                ('changes', models.JSONField(default=list, verbose_name='所作修改')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='上传时间')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='处理时间')),
                ('undone_at', models.DateTimeField(blank=True, null=True, verbose_name='撤销时间')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='上传人')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uploads', to='cities.submission', verbose_name='填报')),
            ],
            options={
                'verbose_name': '批量上传',
                'verbose_name_plural': '批量上传',
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('status', 'pending')), models.Q(models.Q(('status', 'pending'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='bulk_upload_decided_has_time')],
            },
        ),
        migrations.AddConstraint(
            model_name='casesection',
            constraint=models.UniqueConstraint(fields=('submission', 'key'), name='case_section_one_per_key'),
        ),
        migrations.AddConstraint(
            model_name='casepicture',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('deleted_at', None), ('deleted_by', None)), models.Q(('deleted_at__isnull', False), ('deleted_by__isnull', False)), _connector='OR'), name='case_picture_deleted_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('used_at', None), ('used_by', None)), models.Q(('used_at__isnull', False), ('used_by__isnull', False)), _connector='OR'), name='invitation_used_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='latedraft',
            constraint=models.UniqueConstraint(condition=models.Q(('admitted_at', None)), fields=('answer', 'by'), name='late_draft_one_per_person'),
        ),
        migrations.AddConstraint(
            model_name='return',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at', None), ('kind', 'official')), fields=('submission',), name='return_one_open_per_submission'),
        ),
        migrations.AddConstraint(
            model_name='returnitem',
            constraint=models.UniqueConstraint(fields=('part_of', 'answer'), name='return_item_one_per_answer'),
        ),
        migrations.AddConstraint(
            model_name='supplement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('replied_at', None), ('replied_by', None)), models.Q(('replied_at__isnull', False), ('replied_by__isnull', False)), _connector='OR'), name='supplement_replied_by_somebody'),
        ),
    ]
