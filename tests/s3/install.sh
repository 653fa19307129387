#!/bin/sh
# Build the S3 server that the tests talk to (versitygw: it checks signatures and digests, unlike mocks).
set -eu
cd "$(dirname "$0")"
version=v1.8.0
[ -x "bin/versitygw-$version" ] && exit 0
command -v go >/dev/null || { echo "not installed, for want of go: versitygw"; exit 0; }
echo "building versitygw $version (two minutes)"
GOBIN="$PWD/bin" GOFLAGS=-ldflags=-w go install "github.com/versity/versitygw/cmd/versitygw@$version" 2>bin.log || {
  cat bin.log; exit 1
}
rm -f bin.log
mv bin/versitygw "bin/versitygw-$version"
