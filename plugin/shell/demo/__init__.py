"""Vestibule on one machine, with people, devices, providers and a conferencing node that exist only for a look."""
