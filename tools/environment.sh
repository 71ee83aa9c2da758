# Sourced by tools/demo and tools/test: moves to the repository root and gives them one .venv.
# .venv/unfinished is there while a set-up is at work, .venv/installed and .venv/installed-test
# once it is whole; they hold what was installed from what, so that a change installs again.

disk_needed=5  # GiB: .venv 2.6, what pip downloads, data and runs
root=$(CDPATH='' cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

# Ends the program with what is missing; 2, as for every other bad input.
stop() {
  printf 'tools/%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

# Prints "good", or why the Python at $1 will not do. It has to run: a version manager leaves
# stand-ins on the PATH for versions that are not installed.
judge_python() {
  "$1" -c '
import sys
version = "%d.%d.%d" % sys.version_info[:3]
if sys.version_info[:2] not in ((3, 10), (3, 11)):
    print("is version " + version)
else:
    try:
        import ensurepip, venv
        print("good")
    except ImportError:
        print("is version " + version + " without its venv module")
' 2>/dev/null || echo "does not run"
}

# Prints the path of a Python that will do.
find_python() {
  local candidate verdict seen=""
  while IFS= read -r candidate; do
    verdict=$(judge_python "$candidate")
    if [ "$verdict" = good ]; then
      printf '%s\n' "$candidate"
      return
    fi
    seen="$seen"$'\n'"  $candidate $verdict"
  done < <(type -aP python3.11 python3.10 python3 python)
  stop "needs Python 3.10 or 3.11 with its venv module. Install one
  (Debian, Ubuntu: apt install python3.11 python3.11-venv; macOS: brew install python@3.11;
  elsewhere: pyenv install 3.11 && pyenv global 3.11), then run this again. On the PATH:${seen:-" no Python"}"
}

# What the installed packages follow from. The folder counts because a .venv cannot be moved.
fingerprint() {
  printf '%s\n' "$root"
  cksum setup.cfg setup.py pyproject.toml constraints/lane1.txt
  .venv/bin/python -V 2>&1
}

# Removes a .venv of ours that is half-made, was moved here or lost its Python; adopts any other.
clear_the_way() {
  local owner verdict
  if [ -f .venv/unfinished ]; then
    owner=$(cat .venv/unfinished)
    if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then
      stop "process $owner is setting up $root/.venv: wait until it has finished
  (where process $owner is something else, remove .venv), then run this again"
    fi
    echo "Removing a half-made .venv"
    rm -rf .venv
  elif [ -e .venv ]; then
    verdict=$(judge_python .venv/bin/python)
    if [ "$verdict" = good ] && { ! made_here || grep -qxF -- "$root" .venv/installed*; }; then
      return
    fi
    made_here || stop "$root/.venv was not made by tools/demo or tools/test, and its Python
  $verdict: move it away or remove it, then run this again"
    echo "Removing a .venv that was moved, or whose Python is gone"
    rm -rf .venv
  fi
}

made_here() {
  ls .venv/installed* > /dev/null 2>&1
}

make_venv() {
  local python free
  python=$(find_python)
  free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
  if [ "$free" -lt "$disk_needed" ]; then
    stop "needs $disk_needed GiB of free disk in $root, found $free GiB"
  fi
  mkdir .venv
  echo $$ > .venv/unfinished
  "$python" -m venv .venv
}

pip_install() {
  .venv/bin/python -m pip install --no-input --disable-pip-version-check "$@" \
    >> .venv/install.log 2>&1 && return
  tail -n 20 .venv/install.log >&2
  stop "pip could not install (its last lines are above, all of them in $root/.venv/install.log).
  It needs the network; when that is there, run this again"
}

# Makes .venv hold the package and its dependencies; $1: the extra to add, "test" or nothing.
prepare_environment() {
  local extra=${1:-}
  local stamp=.venv/installed${extra:+-$extra}
  if [ -f "$stamp" ] && [ ! -f .venv/unfinished ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]; then
    return
  fi
  clear_the_way
  [ -e .venv ] || make_venv
  echo $$ > .venv/unfinished
  echo "Installing into $root/.venv, which takes some minutes; log: .venv/install.log"
  pip_install "pip == 26.3"  # the first steps of Python's own differ from one release to the next
  pip_install --constraint constraints/lane1.txt --build-constraint constraints/lane1.txt \
    --editable ".${extra:+[$extra]}"
  fingerprint | tee .venv/installed > "$stamp"  # with the extra, what goes without it is there too
  rm .venv/unfinished
}
