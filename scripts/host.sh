# Sourced by the other scripts: the repository, the state directory, root where it is needed.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ROOT

# Everything that the scripts keep between two runs lives here, and nothing of the host's own is edited.
if [ "$EUID" -eq 0 ]; then
    STATE=${WHARF_DEV_STATE:-/var/lib/wharf-dev}
else
    STATE=${WHARF_DEV_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/wharf-dev}
fi
export STATE
mkdir -p "$STATE"

# Scripts answer on stdout (paths, counts); what they say to a person goes to stderr.
say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# as_root WHY CMD...: an ordinary user is told what for before sudo asks for a password.
as_root() {
    local why=$1
    shift
    if [ "$EUID" -eq 0 ]; then
        "$@"
        return
    fi
    say "root is needed $why: sudo $*"
    command -v sudo >/dev/null || die "there is no sudo here; run this as root: $*"
    sudo -- "$@"
}

# The Debian release's version number; other systems have none of the package names below.
debian_version() {
    local version
    # shellcheck disable=SC1091
    version=$(. /etc/os-release 2>/dev/null && [ "${ID:-}" = debian ] && echo "${VERSION_ID:-}") || true
    case $version in
        12 | 13) echo "$version" ;;
        *) die "this needs Debian 12 or 13; found $(grep -s '^PRETTY_NAME=' /etc/os-release || echo 'no /etc/os-release')" ;;
    esac
}
