#!/usr/bin/env bash
# Enrol this machine's TPM as the device of whoever has just signed in.
#
#   enrol.sh NAME TOKEN_FILE [ISSUER.pem ...]
#
# NAME is what you call the device, TOKEN_FILE holds the ID token of a sign-in minutes ago; the rest are the CAs
# between the TPM's endorsement certificate and its maker's root, nearest first, one certificate in each file.
here="$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=deploy/agent/common.sh
source "$here/common.sh"

(($# >= 2)) || stop "usage: enrol.sh NAME TOKEN_FILE [ISSUER.pem ...]"
name="$1" token="$(tr -d '[:space:]' <"$2")"
shift 2
plain "$name"
mkdir --parents "$state"

# 1 the endorsement key, and what its maker says of it
tpm tpm2_createek --ek-context "$work/ek" --key-algorithm rsa --public "$work/ek.pub"
tpm2_nvread 0x1c00002 | openssl x509 -inform der -outform der -out "$work/ek.der"
chain="\"$(base64 --wrap=0 "$work/ek.der")\""
for issuer in "$@"; do
    chain+=", \"$(openssl x509 -in "$issuer" -outform der | base64 --wrap=0)\""
done

# 2 the attestation key, which stays in the TPM
tpm tpm2_createak --ek-context "$work/ek" --ak-context "$work/ak" --key-algorithm ecc --hash-algorithm sha256 \
    --signing-algorithm ecdsa --public "$work/ak.pub" --ak-name "$work/ak.name"
tpm2_evictcontrol --hierarchy o --object-context "$key" >/dev/null 2>&1 || true # the key of an earlier enrolment
tpm tpm2_evictcontrol --hierarchy o --object-context "$work/ak" "$key"

# 3 first round: a secret that only this TPM can show for this key
challenge="$(printf '{"format": "tpm", "payload": {"ek_chain": [%s], "ak_public": "%s"}}' \
    "$chain" "$(base64url "$work/ak.pub")" | ask /v1/enrolments/challenges)"
{
    printf 'badcc0de00000001' | xxd -revert -plain # as tpm2-tools begin such a file
    for blob in id_object encrypted_secret; do
        member "$blob" <<<"$challenge" | tr -d '\n' | from_base64url
    done
} >"$work/credential"
tpm tpm2_startauthsession --policy-session --session "$work/session"
tpm tpm2_policysecret --session "$work/session" --object-context e
tpm tpm2_activatecredential --credentialedkey-context "$key" --credentialkey-context "$work/ek" \
    --credential-blob "$work/credential" --certinfo-data "$work/secret" --credentialkey-auth "session:$work/session"
tpm2_flushcontext "$work/session"

# 4 second round: the secret, and a quote over T
digest="$(transcript enrol "$challenge" "$token")"
payload="{\"secret\": \"$(base64url "$work/secret")\", $(quote "$digest")}"
printf '{"id_token": "%s", "name": "%s", "evidence": {"format": "tpm", "challenge_id": "%s", "payload": %s}}' \
    "$token" "$name" "$(member challenge_id <<<"$challenge")" "$payload" | ask /v1/enrolments >"$work/device"
cp "$work/ak.name" "$state/ak.name"
printf '%s %s\n' "$(member device_id <"$work/device")" "$(member state <"$work/device")"
