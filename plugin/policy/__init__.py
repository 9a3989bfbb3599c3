"""Judgement: the bundle of an organisation's policies, and the judge. Pure: no I/O, no clock but a parameter."""
