#pragma once

/// Scripts of bash that the runner runs for a job, beside its steps. `checkout` runs outside of the
/// sandbox, on nothing that a job has touched; the others inside, for there may be links in a
/// job's directories that lead anywhere.
namespace fieldpost::agent::runner {

/// URL COMMIT MIRROR WORKSPACE PROTOCOLS [MIRROR to drop]…: a mirror of the repository, kept for
/// the next time, and a clone of it that shares its objects. Hooks, filters and configuration of
/// others are not in a fresh clone. Two at a time wait for each other.
inline constexpr const char* kCheckoutScript = R"(
url=$1 commit=$2 mirror=$3 workspace=$4 protocols=$5
shift 5
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_ALLOW_PROTOCOL=$protocols GIT_SSH_COMMAND='ssh -oBatchMode=yes' HOME=/nonexistent
git() {
  command git -c core.hooksPath=/dev/null -c gc.auto=0 -c maintenance.auto=false \
    -c advice.detachedHead=false -c init.defaultBranch=main "$@"
}
has() { git -C "$mirror" cat-file -e "$commit^{commit}" 2>/dev/null; }
for old in "$@"; do rm -rf -- "$old" "$old.lock"; done
exec 9>"$mirror.lock"
flock 9
if [ -d "$mirror" ]; then
  # Of a fetch that was interrupted: nobody else is here.
  find "$mirror" -name '*.lock' -type f -delete
  has || git -C "$mirror" fetch --prune origin '+refs/*:refs/*'
else
  rm -rf -- "$mirror.new"
  git clone --mirror --template= -- "$url" "$mirror.new"
  mv -T -- "$mirror.new" "$mirror"
fi
touch -- "$mirror"
has || git -C "$mirror" fetch origin "$commit"
flock -u 9
GIT_ALLOW_PROTOCOL=file git clone --quiet --shared --no-checkout --template= -- \
  "$mirror" "$workspace"
git -C "$workspace" remote set-url origin "$url"
git -C "$workspace" checkout --quiet --detach "$commit"
echo "$commit checked out"
)";

/// OUT PATTERN…, in the workspace: OUT/data is the one file that matches, or a tar of all;
/// OUT/about its SHA-256, and behind it a line with the file's name (of a tar: none). Nothing is
/// there when nothing matches.
inline constexpr const char* kCollectScript = R"(
shopt -s globstar nullglob dotglob
out=$1
shift
IFS=
found=()
for pattern in "$@"; do
  for match in $pattern; do
    if [ -e "$match" ] || [ -L "$match" ]; then found+=("./$match"); fi
  done
done
[ ${#found[@]} != 0 ] || exit 0
name=
if [ ${#found[@]} = 1 ] && [ -f "${found[0]}" ] && [ ! -L "${found[0]}" ]; then
  name=${found[0]##*/}
  cat -- "${found[0]}" >"$out/data"
else
  tar --create --file "$out/data" --sort=name --owner=0 --group=0 --numeric-owner -- "${found[@]}"
fi
sync -- "$out/data"
sum=$(sha256sum <"$out/data")
printf '%s\n%s\n' "${sum%% *}" "$name" >"$out/about"
)";

/// OUT PATH…, above workspace and home: OUT/data is a tar of those that are there.
inline constexpr const char* kSaveScript = R"(
out=$1
shift
found=()
for path in "$@"; do
  if [ -e "$path" ]; then found+=("./$path"); fi
done
[ ${#found[@]} != 0 ] || exit 0
tar --create --file "$out/data" -- "${found[@]}"
sync -- "$out/data"
)";

/// FILE, above workspace and home.
inline constexpr const char* kRestoreScript = R"(
tar --extract --file "$1"
)";

/// DIRECTORY…: they go, whatever their modes say. Links in them are not followed.
inline constexpr const char* kRemoveScript = R"(
for each in "$@"; do
  [ -e "$each" ] || continue
  chmod -R u+rwX -- "$each" 2>/dev/null || true
  rm -rf -- "$each"
done
)";

}  // namespace fieldpost::agent::runner
