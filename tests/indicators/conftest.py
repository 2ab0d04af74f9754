"""What the tests of this room share."""

import pytest


@pytest.fixture(autouse=True)
def _no_static_files(settings, tmp_path):
    """Pages are tested without the files beside them."""
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_USE_FINDERS = False
