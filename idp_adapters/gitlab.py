"""GitLab: the person by the number in `sub`. Its ID tokens tell groups only where somebody is a member directly.

It must never take a token of a CI job: the same issuer signs it, and whoever writes the job chooses its audience.
Claims are those of docs.gitlab.com: integration/openid_connect_provider, ci/secrets/id_token_authentication.
"""

from collections.abc import Mapping

from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.jose.claims import Check, absent, like
from plugin.ports import IdpAdapter, IdpSettings

OF_CI_JOBS = ("job_id", "namespace_id", "namespace_path", "pipeline_id", "project_id", "project_path")

CHECKS: Mapping[str, Check] = {
    **ID_TOKEN,
    "sub": like(r"[0-9]{1,20}", expected="the number of a user"),  # a job's begins with `project_path:`
    **dict.fromkeys(OF_CI_JOBS, absent),
}


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    return Provider(settings=completed(settings), checks=CHECKS, name=person)
