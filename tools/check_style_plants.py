"""What check_style.py --self-test plants: clean files, and files with one violation each."""

BEGIN, END = "namespace fieldpost::agent {\n", "\n}  // namespace fieldpost::agent\n"


def agent(code):
    return BEGIN + code + END


CLEAN = {
    "agent/main.cpp": '#include "proto/rt/real_door.h"\nint main() { getenv("X"); }\n',
    "agent/clean.cpp": '#include "proto/rt/door.h"\n' + agent(
        '// sleep(1); in a comment\nauto text = "std::mutex, /* rand() */ ::open(";\n'
        "loop.connect(options); streams.open(path); a.socket_count();  // TO" "DO(#12): later"),
    "proto/rt/door.h": "#include <string>\nnamespace fieldpost::rt {}\n",
    "proto/rt/real_door.h": "#include <sys/socket.h>\nnamespace fieldpost::rt {}\n",
    "proto/rt/real_door.cpp": '#include "proto/rt/real_door.h"\n'
                              "namespace fieldpost::rt { std::mutex m; int f = ::open(p, 0); }\n",
    "proto/rt.cmake": "add_library(fieldpost_adapters STATIC rt/real_door.cpp)\n",
    "tests/unit/clean_test.cpp": '#include "coordinator/a.h"\nauto t = std::chrono::'
                                 "steady_clock::now();\n",
}

PLANTED = [
    ("agent/a1.cpp", '#include "coordinator/http/views.h"\n' + agent(""), "layer: agent/"),
    ("coordinator/a2.h", '#include "agent/intake.h"\nnamespace fieldpost::coordinator {}\n',
     "layer: coordinator/"),
    ("proto/wire/a3.h", '#include "agent/intake.h"\nnamespace fieldpost::wire {}\n',
     "layer: proto/"),
    ("agent/a4.cpp", '#include "tests/support/x.h"\n' + agent(""), "layer: agent/"),
    ("agent/a5.cpp", '#include "proto/rt/real_door.h"\n' + agent(""), "the adapter"),
    ("agent/a6.h", "#include <nlohmann/json.hpp>\n" + agent(""), "in a header of ours"),
    ("agent/a7.h", "#include <unistd.h>\n" + agent(""), "in a header of ours"),
    ("agent/b1.cpp", agent("auto t = std::chrono::system_clock::now();"), "call: clock"),
    ("agent/b2.cpp", agent("auto t = steady_clock::now();"), "call: clock"),
    ("agent/b3.cpp", agent("std::this_thread::sleep_for(1s);"), "call: sleep"),
    ("agent/b4.cpp", agent("std::thread t;"), "call: thread"),
    ("agent/b5.cpp", agent("std::mutex m;"), "call: lock"),
    ("agent/b6.cpp", agent('auto v = std::getenv("HOME");'), "call: environment"),
    ("agent/b7.cpp", agent("int r = rand();"), "call: randomness"),
    ("agent/b8.cpp", agent('auto f = fopen("x", "r");'), "call: file"),
    ("agent/b9.cpp", agent("std::ofstream out(path);"), "call: file"),
    ("agent/c1.cpp", agent("int f = ::open(path, 0);"), "call: file"),
    ("agent/c2.cpp", agent("int s = socket(AF_UNIX, 0, 0);"), "call: socket"),
    ("agent/c3.cpp", agent('auto p = popen("x", "r");'), "call: process"),
    ("agent/c4.cpp", agent("try {} catch (...) {}"), "call: catch"),
    ("agent/sub/main.cpp", "std::mutex m;\n", "call: lock"),
    ("agent/d1.cpp", "namespace other {}\n", "namespace: no"),
    ("agent/d2.h", "using namespace std;\n" + agent(""), "namespace: using"),
    ("agent/e1.cpp", agent("// TO" "DO: later"), "marker: TO" "DO"),
    ("agent/e2.cpp", agent("// FIX" "ME"), "marker: FIX"),
    ("agent/e3.cpp", agent("// XX" "X"), "marker: XX"),
    ("agent/e4.cpp", agent("\tint a;"), "text: tab"),
    ("agent/e5.cpp", agent("int a; "), "text: trailing"),
    ("agent/e6.cpp", agent("// " + "x" * 98), "text: longer"),
    ("docs/e7.md", "see /wo" "rk/main/README.md\n", "path: of one machine"),
    ("docs/e8.md", "see /tmp/w" "t/core\n", "path: of one machine"),
    ("agent/CamelCase.cpp", agent(""), "name: not snake_case"),
    ("agent/file_utils.cpp", agent(""), "name: says nothing"),
    ("agent/spool_manager.h", agent(""), "name: says nothing"),
    ("tests/support/common.h", "", "name: says nothing"),
    ("tests/support/helpers.h", "", "name: says nothing"),
]
