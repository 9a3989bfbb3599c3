"""GitLab: the person by the number in `sub`. Its ID tokens tell groups only where somebody is a member directly.

It must never take a token of a CI job: the same issuer signs it, and whoever writes the job chooses its audience. Nor
anybody of gitlab.com, where everybody in the world can have an account.
Claims are those of docs.gitlab.com: integration/openid_connect_provider, ci/secrets/id_token_authentication.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.jose.claims import Check, absent, like
from plugin.ports import IdpAdapter, IdpSettings

OPEN_TO_ALL = "gitlab.com"
OF_CI_JOBS = ("job_id", "namespace_id", "namespace_path", "pipeline_id", "project_id", "project_path")

CHECKS: Mapping[str, Check] = {
    **ID_TOKEN,
    "sub": like(r"[0-9]{1,20}", expected="the number of a user"),  # a job's begins with `project_path:`
    **dict.fromkeys(OF_CI_JOBS, absent),
}


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    is_open = urlsplit(settings.issuer).hostname == OPEN_TO_ALL
    wrong = (f"got issuer `{settings.issuer}`, expected an instance of your own",) if is_open else ()
    return Provider(settings=completed(settings, wrong=wrong), checks=CHECKS, name=person)
