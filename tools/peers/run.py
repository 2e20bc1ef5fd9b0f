"""The measurements: writing, settling on disk, asking in turns, and SIGKILL in mid-write."""

import contextlib
import shutil
import statistics
import threading
import time

from peers.client import Client
from peers.program import Failure
from peers.questions import KINDS, disagreement, variants
from peers.readings import WALK_BEGIN, WALK_HOSTS
from peers.system import Writer

CHECKED = 5        # turns of each question whose answers are compared
COUNT_STILL = 10   # s without more readings after a restart: this is what is left
LINES_A_SECOND = WALK_HOSTS


def quantile(values, share):
    return sorted(values)[round(share * (len(values) - 1))]


@contextlib.contextmanager
def running(system):
    try:
        system.start()
        yield system
    finally:
        system.stop()


def write_all(system, shapes):
    """Every shape after the other; what it took until all of it had gone the whole way."""
    writer, received, seconds = Writer(system), 0, {}
    cpu_before, own_cpu_before = system.cpu_seconds(), time.process_time()
    for shape in shapes:
        began = time.perf_counter()
        if writer.write(shape.batches) < len(shape.batches):
            for program in system.programs:
                program.check_alive()
            raise Failure(f"{system.name} closed the connection")
        received += shape.readings
        system.wait_received(received)
        seconds[shape.name] = time.perf_counter() - began
    cpu = system.cpu_seconds() - cpu_before
    own_cpu = time.process_time() - own_cpu_before
    system.after_writing()
    return {"seconds": seconds, "cpu_s": cpu, "client_cpu_s": own_cpu, "readings": received,
            "peak_rss_bytes": system.peak_rss_bytes(), "told_later": writer.told_later}


def settle(system, written):
    """Bytes on disk once its own flush and compaction are done and it has stopped in order."""
    cpu_before = system.cpu_seconds()
    restarts = [program.process.pid for program in system.programs]
    waited = system.settle()
    again = [program.process.pid for program in system.programs] != restarts
    cpu = system.cpu_seconds() - (0 if again else cpu_before)
    system.stop()
    disk = system.disk()
    return {"waited_s": waited, "cpu_s": written["cpu_s"] + cpu,
            "disk_bytes": disk["readings"], "spool_bytes": disk.get("spool", 0)}


class Interview:
    """Asks all the systems the same questions, in turns."""

    def __init__(self, systems, shapes, say):
        self.systems, self.shapes, self.say = systems, shapes, say
        self.disagreements, self.compared = [], 0
        for system in systems:
            system.prepare(shapes)
        self.clients = {system.name: Client(system.query_port) for system in systems}

    def check(self, kind):
        """Also warms up. The first system's answer is what the others' are held against."""
        for turn in range(CHECKED):
            question = variants(kind, self.shapes, turn)
            answers = [system.answer(question, self.ask(system, question)[0])
                       for system in self.systems]
            if not answers[0]:
                raise Failure(f"{self.systems[0].name} has no answer to: {question}")
            self.compared += len(answers[0])
            for system, answer in zip(self.systems[1:], answers[1:]):
                if text := disagreement(answers[0], answer):
                    self.disagreements.append(
                        f"{kind}, turn {turn}: {self.systems[0].name} and {system.name}: {text}")
                    self.say(self.disagreements[-1])

    def count(self):
        """Whether everybody has all of the walk."""
        walk = self.shapes[2]
        for system in self.systems:
            have = system.count_walk(walk.begin, walk.end)
            if have != walk.readings:
                self.disagreements.append(
                    f"{system.name} has {have} of {walk.readings} readings of the walk")
                self.say(self.disagreements[-1])

    def ask(self, system, question):
        return self.clients[system.name].timed_get(system.target(question))

    def round(self, number, asks):
        """Seconds of each answer: by kind and system. Who begins changes with the round."""
        at = number % len(self.systems)
        order = self.systems[at:] + self.systems[:at]
        taken = {kind: {system.name: [] for system in order} for kind in KINDS}
        for kind in KINDS:
            for turn in range(asks):
                question = variants(kind, self.shapes, CHECKED + number * asks + turn)
                for system in order:
                    taken[kind][system.name].append(self.ask(system, question)[1])
        return taken


def ask_all(systems, shapes, rounds, asks, say):
    with contextlib.ExitStack() as stack:
        for system in systems:
            stack.enter_context(running(system))
        interview = Interview(systems, shapes, say)
        interview.count()
        for kind in KINDS:
            interview.check(kind)
        say(f"{interview.compared:,} values compared, {len(interview.disagreements)} disagreements")
        taken = [interview.round(number, asks) for number in range(rounds)]
        peak = {system.name: system.peak_rss_bytes() for system in systems}
    latency = {kind: {system.name: {
        f"p{percent}_ms": 1e3 * statistics.median(
            quantile(one[kind][system.name], percent / 100) for one in taken)
        for percent in (50, 99)} for system in systems} for kind in KINDS}
    return {"latency": latency, "peak_rss_bytes": peak, "compared": interview.compared,
            "disagreements": interview.disagreements}


def acknowledged_until_killed(system, batches):
    """Batches acknowledged when all its processes are killed: at half of them, in mid-write."""
    half = threading.Event()

    def kill_at_half():
        half.wait()
        for program in system.programs:
            program.kill()

    killer = threading.Thread(target=kill_at_half)
    killer.start()
    try:
        return Writer(system).write(
            batches, lambda count: half.set() if count >= len(batches) // 2 else None)
    finally:
        half.set()
        killer.join()
        system.stop()


def kill_in_mid_write(system, walk):
    """What is left, after a restart, of what had been acknowledged."""
    system.start()
    try:
        acknowledged = acknowledged_until_killed(system, walk.batches)
        lines = sum(batch.body.count(b"\n") for batch in walk.batches[:acknowledged])
        readings = sum(batch.readings for batch in walk.batches[:acknowledged])
        system.start()
        end = WALK_BEGIN + lines // LINES_A_SECOND
        left, since = -1, time.monotonic()
        while left < readings and time.monotonic() - since < COUNT_STILL:
            now = system.count_walk(WALK_BEGIN, end)
            if now != left:
                left, since = now, time.monotonic()
            time.sleep(0.2)
    finally:
        system.stop()
    return {"acknowledged": readings, "lost": readings - left}


def broken_promises(result):
    """Why the numbers are not to be used, or fieldpost not to be trusted."""
    lost = result["killed"].get("fieldpost", {}).get("lost", 0)
    return result["asked"]["disagreements"] + (
        [f"fieldpost lost {lost} acknowledged readings"] if lost else [])


class Comparison:
    """All of it; every measurement in a fresh directory, with only the measured system running,
    except the questions."""

    def __init__(self, kinds, scratch, say):
        self.kinds, self.scratch, self.say = kinds, scratch, say

    def fresh(self, kind, binary):
        directory = self.scratch / kind.name
        shutil.rmtree(directory, ignore_errors=True)
        return kind(binary, directory)

    def run(self, shapes, rounds, asks):
        written = {kind.name: [] for kind, _ in self.kinds}
        settled, systems = {}, []
        for number in range(rounds):
            for kind, binary in self.kinds:
                system = self.fresh(kind, binary)
                with running(system):
                    one = write_all(system, shapes)
                    written[kind.name].append(one)
                    rate = one["readings"] / sum(one["seconds"].values())
                    self.say(f"{kind.name}: {rate:,.0f} readings/s")
                    if number == rounds - 1:
                        settled[kind.name] = settle(system, one)
                        systems.append(system)
        asked = ask_all(systems, shapes, rounds, asks, self.say)
        for name, latency in asked["latency"].items():
            self.say(f"{KINDS[name]}: " + ", ".join(
                f"{each} {times['p50_ms']:.2f} ms" for each, times in latency.items()))
        killed = {}
        for kind, binary in self.kinds:
            killed[kind.name] = kill_in_mid_write(self.fresh(kind, binary), shapes[2])
            self.say(f"{kind.name}: killed, {killed[kind.name]}")
        return {"written": written, "settled": settled, "asked": asked, "killed": killed}
