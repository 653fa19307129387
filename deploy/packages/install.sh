#!/bin/sh
# Install Debian packages that are missing: install.sh LIST [PROGRAM...]
# Without apt-get, or without the right to use it, it prints what is missing and ends without an error.
set -eu
list=$1
missing=""
while read -r package; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done < "$list"
[ -n "$missing" ] || exit 0
as_root=""
if [ "$(id -u)" != 0 ]; then
  as_root="sudo -n"
  $as_root true 2>/dev/null || { echo "not installed, for want of root:$missing"; exit 0; }
fi
command -v apt-get >/dev/null || { echo "not installed, for want of apt-get:$missing"; exit 0; }
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
  $as_root apt-get update -qq
  $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
