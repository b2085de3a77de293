#!/bin/sh
# Make what is missing, and nothing else: `tools/setup.sh run` or `tools/setup.sh develop`.
#
# The stamps in .venv hold what a set was installed from. As long as they match, this touches no network and
# takes a few hundredths of a second.
set -eu
cd "$(dirname "$0")/.."
set_name=${1:?run or develop}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

fail() { echo "setup: $*" >&2; exit 1; }

if command -v flock >/dev/null; then exec 9<"$0"; flock 9; fi  # two at once would write into each other's .venv

stamp_of() {  # what a set depends on: its lock files, this folder, and the Python that .venv belongs to
  { cat "$@"; pwd; readlink -f .venv/bin/python || true; } | sha256sum
}
is_current() { [ -x .venv/bin/python ] && [ "$(stamp_of "$2" requirements/build.txt)" = "$(cat ".venv/$1.stamp" 2>/dev/null)" ]; }
install() {  # name, lock file: wheels only, each with a hash that the lock file knows
  is_current "$1" "$2" && return
  echo "setup: installing $2" >&2
  .venv/bin/python -m pip install --quiet --no-deps --require-hashes --only-binary :all: -r "$2" -r requirements/build.txt ||
    fail "the packages of $2 could not be installed, see above. Without a network: put their wheels into a folder and set PIP_FIND_LINKS=FOLDER PIP_NO_INDEX=1."
  stamp_of "$2" requirements/build.txt >".venv/$1.stamp"
}

if ! [ -x .venv/bin/python ] || ! [ -x .venv/bin/pip ] || [ "$(cat .venv/place 2>/dev/null)" != "$(pwd)" ]; then
  python=$(command -v python3) || fail "python3 is missing. On Debian: apt-get install python3 python3-venv"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Moorage needs Python 3.11 or newer; $python is $("$python" -V)"
  "$python" -c 'import ensurepip' 2>/dev/null || fail "python3-venv is missing. On Debian: apt-get install python3-venv"
  rm -rf .venv  # what is there is half made, or was moved: its scripts name the old folder
  "$python" -m venv .venv || fail "the virtual environment could not be made, see above"
  pwd >.venv/place
fi

install run requirements/run.txt
[ "$set_name" != develop ] || install develop requirements/develop.txt

if [ "$(sha256sum <pyproject.toml)" != "$(cat .venv/project.stamp 2>/dev/null)" ]; then
  .venv/bin/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable . ||
    fail "moorage itself could not be installed, see above"
  sha256sum <pyproject.toml >.venv/project.stamp
fi

# The web page, again only when portal/ changed. Without npm the server starts without it and says so.
is_built() { [ -z "$(find portal \( -name node_modules -o -name dist -o -name generated \) -prune -o -newer moorage/site/files/.stamp -print -quit 2>&1)" ]; }
has_modules() { [ "$set_name" = run ] || { grep -qs tests portal/node_modules/.stamp && ! [ portal/package-lock.json -nt portal/node_modules/.stamp ]; }; }
if [ -d portal ] && ! { is_built && has_modules; }; then
  if [ "$set_name" = run ]; then .venv/bin/python tools/portal.py --gently; else .venv/bin/python tools/portal.py --gently --modules; fi
fi
