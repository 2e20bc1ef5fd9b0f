"""What the comparison wants of each of the three."""

import http.client
import time

from peers.client import Client, Refused
from peers.program import START_WITHIN, disk_bytes, wait_until

STILL = 5          # s without a change on disk: settled
SETTLE_WITHIN = 300  # s
LATER = (429, 503)
LATER_S = 0.01
TOLD_LATER_MAX = 10_000


class System:
    """A database with its data in a directory of its own; one process or several."""
    name = durability = write_target = ""
    write_port = query_port = 0

    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory
        self.data = directory / "data"
        self.data.mkdir(parents=True)
        self.log_path = directory / "log"
        self.programs = []

    # Each has its own:
    # start()                  until it takes writes and questions
    # target(question)         what to GET
    # answer(question, body)   as Question says
    # count_walk(begin, end)   readings of the walk in [begin, end), s
    # begin_settling()         bring everything into its final form on disk now

    def after_writing(self):
        """Called once everything is acknowledged; not timed."""

    def wait_received(self, readings):
        """Returns when so many readings in all have gone the whole way; an answer is that."""

    def prepare(self, shapes):
        """Whatever a client would look up once, before it asks questions."""

    def is_busy(self):
        return False

    def add(self, program):
        self.programs.append(program)

    def wait_ready(self, is_ready):
        def holds():
            for program in self.programs:
                program.check_alive()
            return is_ready()
        wait_until(holds, f"{self.name} does not get ready", START_WITHIN)

    def cpu_seconds(self):
        return sum(program.cpu_seconds() for program in self.programs)

    def peak_rss_bytes(self):
        return sum(program.peak_rss_bytes() for program in self.programs)

    def settle(self):
        """Seconds that its flush and compaction took."""
        began = time.monotonic()
        self.begin_settling()
        before, since = -1, time.monotonic()
        while time.monotonic() - began < SETTLE_WITHIN:
            size = disk_bytes(self.data)
            if size != before or self.is_busy():
                before, since = size, time.monotonic()
            if time.monotonic() - since >= STILL:
                break
            time.sleep(0.25)
        return time.monotonic() - began

    def disk(self):
        """Bytes by part."""
        return {"readings": disk_bytes(self.data)}

    def kill(self):
        for program in self.programs:
            program.kill()
        self.stop()

    def stop(self):
        while self.programs:
            self.programs.pop().stop()


class Writer:
    """One HTTP client that posts batch after batch, and again when it is told to come later."""

    def __init__(self, system):
        self.client, self.target = Client(system.write_port), system.write_target
        self.told_later = 0

    def write(self, batches, on_acknowledged=lambda count: None):
        """How many batches were acknowledged; fewer than all only when the connection breaks."""
        for count, batch in enumerate(batches):
            try:
                self.post(batch)
            except (OSError, http.client.HTTPException):
                return count
            on_acknowledged(count + 1)
        return len(batches)

    def post(self, batch):
        while True:
            try:
                self.client.post(self.target, batch.body)
                return
            except Refused as refused:
                if refused.status not in LATER or self.told_later >= TOLD_LATER_MAX:
                    raise
                self.told_later += 1
                time.sleep(LATER_S)
