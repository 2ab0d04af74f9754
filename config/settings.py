"""The one settings file. Values that differ between installations come from the environment.

Every value is checked here, when the process starts: a bad one stops it with a sentence that names the
variable. README lists the variables.
"""

import os
import secrets
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "testserver"}

env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)


def _generated_secret(path: Path) -> str:
    """A secret made once for this installation and kept outside version control, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        secret = secrets.token_urlsafe(64)
        file.write(secret)
    return secret


def _secret_key() -> str:
    given = env.str("SECRET_KEY", "")
    if not given:
        return _generated_secret(VAR_DIR / "secret_key")
    if len(given) < 50 or len(set(given)) < 5:
        raise ImproperlyConfigured("SECRET_KEY 太短：至少 50 个字符，且不能由同一字符重复而成。")
    return given


def _database() -> dict:
    # DATABASE_URL errors carry the URL, and with it a password: say what is wrong without repeating it.
    import dj_database_url  # noqa: PLC0415 — only this function needs it

    url = env.str("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}")
    try:
        config = dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(
            "DATABASE_URL 无法识别。请写成 sqlite:////绝对路径 或 postgres://用户:密码@主机:端口/库名。"
        ) from error
    if config["ENGINE"] == "django.db.backends.sqlite3":
        if config["NAME"] != ":memory:":
            try:
                Path(config["NAME"]).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                folder = Path(config["NAME"]).parent
                raise ImproperlyConfigured(f"DATABASE_URL 有误：无法建立文件夹“{folder}”。") from error
        config["CONN_MAX_AGE"] = 0
        # A deferred transaction that turns from reading to writing fails at once, whatever the timeout;
        # IMMEDIATE takes its turn instead.
        config["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
        }
    elif config["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL 只支持 sqlite 与 postgres。")
    return dict(config)


try:
    DEBUG = env.bool("DEBUG", False)
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
    # An installation that only answers on the loopback interface is somebody's own machine; anything else is
    # production and speaks HTTPS unless told otherwise.
    HTTPS = env.bool("HTTPS", not set(ALLOWED_HOSTS) <= LOOPBACK)
    BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
    PORT = env.int("PORT", 8000)
    MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(VAR_DIR / "media")))
    EMAIL = env.dj_email_url("EMAIL_URL", "console:")
    DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "noreply@localhost")
    CONTACT = env.str("CONTACT", "评价工作办公室")
    EVIDENCE_MAX_MB = env.int("EVIDENCE_MAX_MB", 50)
    COLLECTED_STATIC = env.bool("COLLECTED_STATIC", False)
except EnvError as error:
    raise ImproperlyConfigured(f"环境变量有误：{error}") from error
if not 1 <= PORT <= 65535:
    raise ImproperlyConfigured(f"环境变量 PORT 有误：{PORT} 不在 1 到 65535 之间。")
if EVIDENCE_MAX_MB < 1:
    raise ImproperlyConfigured(f"环境变量 EVIDENCE_MAX_MB 有误：{EVIDENCE_MAX_MB} 应为正整数。")
if "EMAIL_BACKEND" not in EMAIL:
    raise ImproperlyConfigured(
        "环境变量 EMAIL_URL 有误：请写成 submission://用户:密码@主机:587 或 console:。"
    )
if not CONTACT.strip():
    raise ImproperlyConfigured("环境变量 CONTACT 有误：请填写页面上提示联系的单位。")
if "@" not in DEFAULT_FROM_EMAIL:
    raise ImproperlyConfigured(f"环境变量 DEFAULT_FROM_EMAIL 有误：“{DEFAULT_FROM_EMAIL}”不是邮箱地址。")
if MEDIA_ROOT.resolve().is_relative_to(BASE_DIR / "static") or MEDIA_ROOT.resolve().is_relative_to(
    VAR_DIR / "static"
):
    raise ImproperlyConfigured("环境变量 MEDIA_ROOT 有误：佐证材料不能放在公开的静态文件目录里。")
try:
    MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"环境变量 MEDIA_ROOT 有误：无法建立文件夹“{MEDIA_ROOT}”。") from error
if any("/" in host or " " in host for host in ALLOWED_HOSTS):
    raise ImproperlyConfigured("环境变量 ALLOWED_HOSTS 有误：请只写主机名，不带 http:// 和路径。")
if not ALLOWED_HOSTS or "" in ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("环境变量 ALLOWED_HOSTS 有误：请列出本系统的主机名，以逗号分隔，不能用 *。")

SECRET_KEY = _secret_key()
DATABASES = {"default": _database()}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "accounts",
    "indicators",
    "cities",
    "scoring",
    "accounts.admin_config.AdministratorAdminConfig",  # after the rooms: it imports their records
    "rules",
    "django_htmx",
    "import_export",
    "simple_history",
    "axes",
    "csp",
]
MIDDLEWARE = [
    "accounts.middleware.PlainAddressesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.LoginRequiredMiddleware",
    "accounts.middleware.PrivatePagesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "scoring.context_processors.site",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Who somebody is
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "rules.permissions.ObjectPermissionBackend",
    "accounts.backends.PersonBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "accounts/locked_out.html"
AXES_RESET_ON_SUCCESS = True
SIMPLE_HISTORY_ENABLED = True

# Language and time
LANGUAGE_CODE = "zh-hans"
# English joins when its catalogue covers the pages: half a translation reads worse than none.
LANGUAGES = [("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

# Files
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "scoring.plotly_assets.PlotlyFinder",
]
# `./run serve` collects and compresses the files first; otherwise (tests, a developer's server) they come
# straight from where they live, so that nothing stale is served.
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = not COLLECTED_STATIC
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise wants it to be there
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

# Security
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "report-uri": ["/csp"],
    },
}
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
if HTTPS:
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$"]
    CSRF_TRUSTED_ORIGINS = [f"https://{'*' if host.startswith('.') else ''}{host}" for host in ALLOWED_HOSTS]
else:
    # Plain HTTP is served on purpose (one's own machine, or HTTPS=0): these four would only repeat it.
    SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"]
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

EMAIL_BACKEND = EMAIL["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL.get("EMAIL_HOST", "")
EMAIL_PORT = EMAIL.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = EMAIL.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = EMAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = EMAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL.get("EMAIL_USE_SSL", False)

IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
IMPORT_EXPORT_USE_TRANSACTIONS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"axes": {"level": "WARNING"}},
}
