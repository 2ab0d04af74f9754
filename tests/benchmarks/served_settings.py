"""The site as it is served, with more addresses: a POST that writes nothing, and pages that stay the same."""

from config.settings import *  # noqa: F403 — everything as in service

ROOT_URLCONF = "tests.benchmarks.served_urls"
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
