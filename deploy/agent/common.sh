# What enrolling and proving have in common. Sourced by both; sends nothing by itself.
# Needs bash, tpm2-tools, openssl, xxd, curl and base64.
set -euo pipefail
umask 077

: "${VESTIBULE_URL:?where vestibule is, such as https://vestibule.example.com}"
origin="${VESTIBULE_ORIGIN:-$VESTIBULE_URL}"
state="${VESTIBULE_STATE:-$HOME/.local/state/vestibule}"
key="${VESTIBULE_KEY:-0x8101000a}" # where the TPM keeps the attestation key
pcrs="${VESTIBULE_PCRS:-sha256:0,1,2,3,4,5,6,7}"
work="$(mktemp --directory)"
trap 'rm -rf "$work"' EXIT

stop() {
    printf '%s\n' "$1" >&2
    exit 1
}

# A plain name needs no escapes in JSON.
plain() {
    [[ $1 =~ ^[A-Za-z0-9@._+:/\ -]+$ ]] || stop "unexpected characters in: $1"
}

# Without a resource manager a TPM has room for three objects.
tpm() {
    "$@" >/dev/null
    tpm2_flushcontext --transient-object
    tpm2_flushcontext --loaded-session
}

base64url() {
    base64 --wrap=0 "$@" | tr '+/' '-_' | tr -d '='
}

from_base64url() {
    local text
    text="$(tr -- '-_' '+/')"
    printf '%s%s' "$text" "$(printf '%*s' $(((4 - ${#text} % 4) % 4)) '' | tr ' ' '=')" | base64 --decode
}

hex() {
    xxd -plain | tr -d '\n'
}

# Post what is on stdin, and print the answer. A refusal is shown as it came: its reason is for you.
ask() {
    local answer
    answer="$(curl --silent --show-error --fail-with-body --header 'Content-Type: application/json' \
        --data-binary @- "$VESTIBULE_URL$1")" || stop "$answer"
    printf '%s' "$answer"
}

# Print a member of the answer on stdin: one line of JSON, whose texts hold no escapes.
member() {
    sed --quiet "s/.*\"$1\": *\"\([^\"\\\\]*\)\".*/\1/p"
}

# Print u32be(length) ‖ part, of a part in hexadecimal digits.
part() {
    printf '%08x%s' $((${#1} / 2)) "$1"
}

# Print T in hexadecimal digits: of this purpose, for the challenge $2, over the ID token $3.
transcript() {
    local name
    # A quote over another origin's challenge would be that origin's to use.
    [[ "$(member origin <<<"$2")" == "$origin" ]] || stop "the challenge is not for $origin"
    [[ "$(member purpose <<<"$2")" == "$1" ]] || stop "the challenge is not to $1"
    {
        part "$(printf 'vestibule/v1' | hex)"
        for name in purpose tenant origin conference; do
            part "$(member "$name" <<<"$2" | tr -d '\n' | hex)"
        done
        part "$(member nonce <<<"$2" | tr -d '\n' | from_base64url | hex)"
        part "$(printf '%s' "$3" | openssl dgst -sha256 -binary | hex)"
    } | xxd -revert -plain | openssl dgst -sha256 -binary | hex
}

# Quote over T, and print the members of the payload that hold it.
quote() {
    tpm tpm2_pcrread "$pcrs" --output "$work/pcrs"
    tpm tpm2_quote --key-context "$key" --pcr-list "$pcrs" --qualification "$1" --hash-algorithm sha256 \
        --message "$work/quote" --signature "$work/signature"
    printf '"quote": "%s", "signature": "%s", "pcrs": "%s"' \
        "$(base64url "$work/quote")" "$(base64url "$work/signature")" "$(base64url "$work/pcrs")"
}
