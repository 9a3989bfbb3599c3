"""Where state is kept. Each store passes `tests/conformance/test_store.py`."""
