"""For all tests."""

import pytest

# Before anything imports the suite: its asserts shall tell what they saw, as those of tests do.
pytest.register_assert_rewrite("penstock.conformance")
