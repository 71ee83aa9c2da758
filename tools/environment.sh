# Sourced by tools/demo and tools/test: changes to the root of the repository and sets up their common .venv.
# .venv/unfinished exists during a setup and contains its process id. .venv/installed and
# .venv/installed-test exist after a complete setup and contain a fingerprint of its input, so that a
# change of the input starts another setup.

disk_needed=5  # GiB: .venv 2.6, pip's downloads, data and runs
root=$(CDPATH='' cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

# Prints a message and exits with 2, the exit code for bad input.
stop() {
  printf 'tools/%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

# Prints "good", or the reason why the Python at $1 cannot be used. It runs this Python, because version
# managers put stand-ins on the PATH for versions that are not installed.
check_python() {
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

# Prints the path of a Python that can be used.
find_python() {
  local candidate verdict seen=""
  while IFS= read -r candidate; do
    verdict=$(check_python "$candidate")
    if [ "$verdict" = good ]; then
      printf '%s\n' "$candidate"
      return
    fi
    seen="$seen"$'\n'"  $candidate $verdict"
  done < <(type -aP python3.11 python3.10 python3 python)
  stop "needs Python 3.10 or 3.11 with its venv module. Install one
  (Debian, Ubuntu: apt install python3.11 python3.11-venv; macOS: brew install python@3.11;
  elsewhere: pyenv install 3.11 && pyenv global 3.11), then run this again. Found on the PATH:${seen:-" no Python"}"
}

# Prints everything that determines the installed packages, and the folder, since a .venv cannot be moved.
fingerprint() {
  printf '%s\n' "$root"
  cksum setup.cfg setup.py pyproject.toml constraints/lane1.txt
  .venv/bin/python -V 2>&1
}

# Removes a .venv of these programs that is incomplete, was moved here or has lost its Python; keeps any other.
remove_broken_venv() {
  local owner verdict
  if [ -f .venv/unfinished ]; then
    owner=$(cat .venv/unfinished)
    if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then
      stop "process $owner is setting up $root/.venv: wait until it has finished
  (if process $owner is something else, remove .venv), then run this again"
    fi
    echo "Removing an incomplete .venv"
    rm -rf .venv
  elif [ -e .venv ]; then
    verdict=$(check_python .venv/bin/python)
    if [ "$verdict" = good ] && { ! is_ours || grep -qxF -- "$root" .venv/installed*; }; then
      return
    fi
    is_ours || stop "$root/.venv was not made by tools/demo or tools/test, and its Python
  $verdict: move it away or remove it, then run this again"
    echo "Removing a .venv that was moved or has lost its Python"
    rm -rf .venv
  fi
}

is_ours() {
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
  stop "pip could not install the packages (the end of its log is above, all of it in $root/.venv/install.log).
  It needs a network connection; run this again when there is one"
}

# Installs the package and its dependencies in .venv. $1: the extra to install, "test" or nothing.
prepare_environment() {
  local extra=${1:-}
  local stamp=.venv/installed${extra:+-$extra}
  if [ -f "$stamp" ] && [ ! -f .venv/unfinished ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]; then
    return
  fi
  remove_broken_venv
  [ -e .venv ] || make_venv
  echo $$ > .venv/unfinished
  echo "Installing into $root/.venv (takes a few minutes; log: .venv/install.log)"
  pip_install "pip == 26.3"  # the pip that comes with Python differs between releases
  pip_install --constraint constraints/lane1.txt --build-constraint constraints/lane1.txt \
    --editable ".${extra:+[$extra]}"
  fingerprint | tee .venv/installed > "$stamp"  # an install with the extra includes the one without it
  rm .venv/unfinished
}
