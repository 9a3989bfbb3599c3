"""Whether a certificate was revoked: lists of a CA (CRL) and its responder (OCSP). Could not look is never "fine"."""
