#!/usr/bin/env bash
# Prove this machine's TPM for one join, and print the ticket to join with.
#
#   prove.sh CONFERENCE TOKEN_FILE
#
# TOKEN_FILE holds the ID token of the person whose device this is.
here="$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=deploy/agent/common.sh
source "$here/common.sh"

(($# == 2)) || stop "usage: prove.sh CONFERENCE TOKEN_FILE"
conference="$1" token="$(tr -d '[:space:]' <"$2")"
plain "$conference"

challenge="$(printf '{"conference": "%s"}' "$conference" | ask /v1/challenges)"
digest="$(transcript join "$challenge" "$token")"
payload="{\"ak_name\": \"$(base64url "$state/ak.name")\", $(quote "$digest")}"
ticket="$(printf '{"conference": "%s", "id_token": "%s", "evidence": [{"format": "tpm", "challenge_id": "%s", "payload": %s}]}' \
    "$conference" "$token" "$(member challenge_id <<<"$challenge")" "$payload" | ask /v1/tickets)"
member ticket <<<"$ticket"
