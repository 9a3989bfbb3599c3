"""Vestibule: zero-trust admission to video meetings. Start reading at `plugin/flow/admission.py`."""
