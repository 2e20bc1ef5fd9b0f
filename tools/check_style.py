#!/usr/bin/env python3
"""Checks what compilers and clang-format do not: layers, banned calls, markers, names.

usage: check_style.py [ROOT]        one line a violation, exit 1 when there is any
       check_style.py --self-test   plants violations in a scratch tree and expects each to be found
"""

import os
import pathlib
import re
import sys
import tempfile

CODE = {".h", ".cpp", ".c"}
TEXT = CODE | {".cmake", ".fbs", ".js", ".json", ".md", ".py", ".service", ".sh", ".sql", ".toml",
               ".ts", ".txt", ""}
FORMATTED = CODE | {".cmake", ".fbs", ".py", ".sql"}
SKIPPED_FOLDERS = {"build", "node_modules", "run", "dist", "__pycache__"}
SKIPPED_PREFIXES = ("tests/data/", "proto/golden/")
LINE_MAX = 100

PRODUCT = ("agent/", "coordinator/", "firmware-bridge/", "proto/")
NAMESPACES = {"agent/": "fieldpost::agent", "coordinator/": "fieldpost::coordinator",
              "firmware-bridge/": "fieldpost::bridge", "proto/mapping/": "fieldpost::mapping",
              "proto/delta/": "fieldpost::delta", "proto/pipeline/": "fieldpost::pipeline",
              "proto/rt/": "fieldpost::rt",
              "proto/wire/": "fieldpost::wire"}
# What a folder may include of ours, beside itself.
MAY_INCLUDE = {"agent/": ("proto/",), "coordinator/": ("proto/",), "firmware-bridge/": ("proto/",),
               "proto/": ()}
# Third-party names in signatures of ours: format strings checked at compile time, and JSON values,
# declared only.
C_HEADERS = {"firmware-bridge/device/fieldpost_device.h"}  # for firmware in C
HEADER_EXCEPTIONS = {("proto/rt/log.h", "fmt/format.h"),
                     ("proto/pipeline/json.h", "nlohmann/json_fwd.hpp"),
                     ("firmware-bridge/device/fieldpost_device.h", "avr/pgmspace.h")}
STANDARD_C = {"assert.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}

# In core: time, threads, chance, environment, files and sockets arrive as ports (A2).
BANNED = [(re.compile(pattern), name) for pattern, name in [
    (r"\b(system|steady|high_resolution)_clock::now\b", "clock"),
    (r"\bclock_gettime\s*\(|\bgettimeofday\s*\(|\btime\s*\(\s*(nullptr|NULL|0)\s*\)", "clock"),
    (r"\b(sleep|usleep|nanosleep|sleep_for|sleep_until)\s*\(", "sleep"),
    (r"\bstd::(jthread|thread|async|condition_variable)\b", "thread"),
    (r"\bstd::(mutex|shared_mutex|recursive_mutex|lock_guard|unique_lock|scoped_lock)\b", "lock"),
    (r"\b(secure_)?getenv\s*\(|\bsetenv\s*\(", "environment"),
    (r"\b(rand|srand|random)\s*\(\s*\)|\bstd::(random_device|mt19937)", "randomness"),
    (r"\bfopen\s*\(|\bstd::(basic_)?[io]?fstream\b|\bstd::filesystem\b", "file"),
    (r"(?<![\w>])::(open|read|write|unlink|rename|stat|close)\s*\(", "file"),
    (r"(?<![\w.>:])(::)?(socket|connect|bind|listen|accept)\s*\(\s*(AF_|fd|sock)", "socket"),
    (r"(?<![\w.>])socket\s*\(", "socket"),
    (r"\b(popen|fork|vfork|execve|execvp|posix_spawnp?)\s*\(|\bstd::system\s*\(", "process"),
]]
LOCK_ONLY_IN = "proto/rt/"
MARKERS = [(re.compile(r"\bTO" + r"DO\b(?!\s*\(?#\d+)"), "TO" + "DO without an issue number"),
           (re.compile(r"\bFIX" + r"ME\b"), "FIX" + "ME"),
           (re.compile(r"\bXX" + r"X\b"), "XX" + "X")]
MACHINE_PATHS = re.compile(r"(?<![\w.])(/wo" + r"rk/|/tmp/w" + r"t\b)")
EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|common)(_|$)")
SNAKE_CASE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*(\.[a-z0-9]+)+")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
LIBRARY = re.compile(r"add_library\(\s*\w+_(?:adapters|main)\s+([^)]*)\)")
SYSTEM_HEADER = re.compile(r".*[./].*|mutex|thread|condition_variable|shared_mutex|fstream")


def read_tree(root):
    """Text of every file we answer for, by its path from the root."""
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS and not f.startswith(".")]
        for name in names:
            path = pathlib.Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if path.suffix not in TEXT or relative.startswith(SKIPPED_PREFIXES):
                continue
            if name == "package-lock.json" or name.startswith("."):
                continue
            files[relative] = path.read_text(encoding="utf-8", errors="replace")
    return files


def without_comments(text):
    """Blanks out comments, strings and characters; line numbers stay."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(\\.|[^"\\\n])*"'
                       r"|(?<!\w)'(\\.|[^'\\\n])+'", re.S)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def includes_of(text):
    """(line, bracket, name) of each #include."""
    return [(text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2))
            for m in INCLUDE.finditer(text)]


def is_system_header(name):
    return name not in STANDARD_C and SYSTEM_HEADER.fullmatch(name) is not None


def find_adapters(files):
    """Sources of every *_adapters or *_main library with their headers, and the headers in proto/rt
    that show the operating system or a library to whoever includes them."""
    adapters = set()
    for path, text in files.items():
        if not path.endswith((".cmake", "CMakeLists.txt")):
            continue
        for match in LIBRARY.finditer(text):
            for source in re.findall(r"[\w./-]+\.cpp", match.group(1)):
                cpp = (pathlib.PurePosixPath(path).parent / source).as_posix()
                adapters |= {cpp, cpp[:-4] + ".h"}
    for path, text in files.items():
        if path.startswith("proto/rt/") and path.endswith(".h"):
            if any(bracket == "<" and is_system_header(name)
                   and (path, name) not in HEADER_EXCEPTIONS
                   for _, bracket, name in includes_of(text)):
                adapters.add(path)
    return adapters


def area_of(path, areas):
    return next((area for area in areas if path.startswith(area)), None)


def is_main(path):
    return path.rsplit("/", 1)[-1] == "main.cpp"


def check_includes(path, text, adapters):
    area = area_of(path, MAY_INCLUDE)
    free = path in adapters or is_main(path)
    for line, bracket, name in includes_of(text):
        if bracket == '"':
            if name.startswith(("tests/", "tools/") + PRODUCT) and not name.startswith(
                    (area,) + MAY_INCLUDE[area]):
                yield line, f"layer: {area} must not include {name}"
            if name in adapters and not free:
                yield line, f"layer: core includes the adapter {name}"
        elif (path.endswith(".h") and path not in adapters and is_system_header(name)
              and (path, name) not in HEADER_EXCEPTIONS):
            yield line, f"layer: <{name}> in a header of ours"


def check_calls(path, text, adapters):
    bare = without_comments(text)
    for number, line in enumerate(bare.split("\n"), 1):
        for pattern, name in BANNED:
            allowed = path in adapters or (is_main(path) and name != "lock")
            if name == "lock":
                allowed = path in adapters and path.startswith(LOCK_ONLY_IN)
            if not allowed and pattern.search(line):
                yield number, f"call: {name} in core"
    if not is_main(path) and re.search(r"\bcatch\s*\(\s*\.\.\.\s*\)", bare):
        yield 1, "call: catch (...) outside main.cpp"


def check_namespace(path, text):
    expected = NAMESPACES.get(area_of(path, NAMESPACES))
    if path.endswith(".h") and re.search(r"^\s*using namespace\b", text, re.M):
        yield 1, "namespace: using namespace in a header"
    if path.endswith(".c") or path in C_HEADERS or is_main(path) or expected is None:
        return
    if not re.search(rf"\bnamespace {expected}\b|\bfieldpost::\w+::", text):
        yield 1, f"namespace: no {expected}"


def check_text(path, text):
    if pathlib.PurePosixPath(path).suffix in FORMATTED:
        for number, line in enumerate(text.split("\n"), 1):
            if "\t" in line:
                yield number, "text: tab"
            if line != line.rstrip():
                yield number, "text: trailing space"
            if len(line) > LINE_MAX:
                yield number, f"text: longer than {LINE_MAX}"
            for pattern, name in MARKERS:
                if pattern.search(line):
                    yield number, f"marker: {name}"
    for match in MACHINE_PATHS.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, "path: of one machine"


def check_name(path):
    name = pathlib.PurePosixPath(path).name
    if pathlib.PurePosixPath(path).suffix not in CODE:
        return
    if not SNAKE_CASE.fullmatch(name):
        yield 1, "name: not snake_case"
    if EMPTY_NAMES.search(name.split(".")[0]):
        yield 1, "name: says nothing"


def check_tree(root):
    files = read_tree(root)
    adapters = find_adapters(files)
    found = []
    for path, text in sorted(files.items()):
        problems = list(check_text(path, text)) + list(check_name(path))
        if path.startswith(PRODUCT) and path.endswith((".h", ".cpp", ".c")):
            problems += check_includes(path, text, adapters)
            problems += check_calls(path, text, adapters)
            problems += check_namespace(path, text)
        found += [f"{path}:{line}: {what}" for line, what in problems]
    return found


def self_test():
    clean, planted = plants()
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**clean, **{p: t for p, t, _ in planted}}.items():
            file = pathlib.Path(root, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        found = check_tree(root)
    missed = [f"{path}: {what}" for path, _, what in planted
              if not any(f.startswith(path + ":") and what in f for f in found)]
    wrong = [f for f in found if f.split(":")[0] in clean]
    for line in [f"not found: {m}" for m in missed] + [f"found in clean code: {w}" for w in wrong]:
        print(line)
    return 1 if missed or wrong or not planted else 0


def plants():
    """Clean files, and (path, text, what must be said of it)."""
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    import check_style_plants
    return check_style_plants.CLEAN, check_style_plants.PLANTED


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = check_tree(root)
    print("\n".join(found) if found else "no violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
