#!/bin/sh
# The servers that ours is compared with, pinned, and the load generator. What can't be had is said.
set -u
cd "$(dirname "$0")"
tusd=v2.9.1
rustus=0.5.10
mkdir -p bin
(cd ../loadgen && go build -o ../peers/bin/loadgen .) || { echo "no load generator, for want of go"; exit 1; }
[ -x "bin/tusd-$tusd" ] || {
  echo "building tusd $tusd (two minutes)"
  GOBIN="$PWD/bin" go install "github.com/tus/tusd/v2/cmd/tusd@$tusd" 2>bin/log &&
    mv bin/tusd "bin/tusd-$tusd" || echo "not installed: tusd $tusd"
}
ln -sf "tusd-$tusd" bin/tusd
[ -d node/node_modules ] || (cd node && npm ci --silent --no-audit --no-fund) || echo "not installed: @tus/server"
[ -x python/.venv/bin/uvicorn ] || {
  python3 -m venv python/.venv &&
    python/.venv/bin/pip install -q --disable-pip-version-check -r python/requirements.txt || echo "not installed: tuspyserver"
}
[ "${1:-}" = rustus ] && [ ! -x bin/rustus ] && {
  echo "building rustus (ten minutes)"
  cargo install --root "$PWD" --version "$rustus" rustus || echo "not installed: rustus"
}
exit 0
