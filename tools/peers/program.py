"""Child processes: started on free ports, looked at in /proc, ended by their own id."""

import ctypes
import os
import signal
import socket
import subprocess
import time

STOP_WITHIN = 60   # s, for SIGTERM; databases flush then
START_WITHIN = 60  # s
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """The comparison cannot go on; the text says why."""


def free_port():
    """Of 127.0.0.1; nobody uses it now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(holds, what, within=START_WITHIN, every=0.02):
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {within} s")
        time.sleep(every)


def disk_bytes(directory):
    """What the files of a directory take up on the disk."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:  # merged away meanwhile
                pass
    return total


class Program:
    """One process; what it prints goes to a file."""

    def __init__(self, arguments, log, environment=None):
        libc = ctypes.CDLL(None)

        def end_with_parent():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        with open(log, "ab") as out:
            # A session of its own: Ctrl-C is for us, who then end it in order.
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, preexec_fn=end_with_parent,
                env={**os.environ, **(environment or {})})
        self.name, self.log = os.path.basename(arguments[0]), log

    def check_alive(self):
        if self.process.poll() is not None:
            with open(self.log, errors="replace") as file:
                last = file.read()[-500:]
            raise Failure(f"{self.name} ended with {self.process.returncode}: {last}")

    def cpu_seconds(self):
        """User and system, of all its threads."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def peak_rss_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0

    def kill(self):
        self.process.send_signal(signal.SIGKILL)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
