"""The peers' programs: Debian's packages, unpacked beside the build tree."""

import shutil
import subprocess

from peers.program import Failure

PACKAGES = {"influxdb": ("influxd", "1.6.7"), "victoria-metrics": ("victoria-metrics", "1.79.5")}


def run(arguments, **more):
    done = subprocess.run(arguments, capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise Failure(f"{' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def version_of(package):
    """Of the file that apt would download; empty when it knows none."""
    for line in run(["apt-cache", "policy", package]).splitlines():
        if line.strip().startswith("Candidate:"):
            return line.split()[1]
    return ""


def unpack(package, wanted, root, say):
    version = version_of(package)
    if not version.startswith(wanted):
        raise Failure(f"Debian's {package} {wanted} is wanted, apt has {version or 'none'}: "
                      "run apt-get update; Debian 12 has it")
    say(f"installing Debian's package {package} {version} into {root}")
    root.mkdir(parents=True, exist_ok=True)
    for old in root.glob("*.deb"):
        old.unlink()
    run(["apt-get", "download", "-q", f"{package}={version}"], cwd=root)
    archive, = root.glob("*.deb")
    run(["dpkg-deb", "-x", str(archive), str(root)])
    archive.unlink()


def program_of(package, directory, say):
    """Path of a peer's daemon. Unpacked, not installed: no service starts, no user is added, and
    removing the directory removes all of it."""
    program, wanted = PACKAGES[package]
    root = directory / package
    path = root / "usr" / "bin" / program
    if not path.exists():
        if shutil.which("apt-get") is None:
            raise Failure(f"there is no apt-get here to get Debian's package {package} with")
        unpack(package, wanted, root, say)
    return str(path)
