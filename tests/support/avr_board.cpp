// An Arduino Uno without hardware: an ATmega328P at 16 MHz with its bootloader, simulated by
// libsimavr in real time, its UART on a pty of its own. For tests only, never installed: libsimavr
// is under GPL-3, and so is this program.
//
// A pty has no DTR, so the board restarts when its other side is opened, which is when an Uno
// restarts. Its flash is a file, so that SIGKILL is a power cut.
#include <fcntl.h>
#include <poll.h>
#include <simavr/avr_adc.h>
#include <simavr/avr_flash.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_io.h>
#include <simavr/sim_regbit.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kHz = 16'000'000;
constexpr std::size_t kFlashSize = 32 * 1024, kPageSize = 128;
constexpr avr_flashaddr_t kBootloader = 0x7e00;  // where the fuses of an Uno start it
constexpr auto kSlice = 1ms;
constexpr avr_cycle_count_t kCyclesPerSlice = kHz / 1000;
/// A machine that cannot keep up slows the board down instead of letting it catch up: its watchdog
/// would not wait for a host that got no time either.
constexpr auto kLateMost = 20ms;
/// How long the reset pin is held when the port is opened. avrdude lets go of DTR for as long,
/// which restarts a real board once more; a pty cannot tell.
constexpr int kResetSlices = 250;
constexpr std::size_t kQueueMost = 128;  // what the USB chip of an Uno holds
constexpr int kUnreadMost = 3;           // bytes in the UART: two received, one being received
constexpr int kMillivolts = 5000;
constexpr const char* kUsage =
    "usage: avr_board --bootloader HEX [--app HEX] [--flash FILE] [--pty LINK]\n"
    "                 [--adc PIN=MILLIVOLTS]… [--ramp PIN=MILLIVOLTS]… [--cut-after-page N]\n"
    "--bootloader, --app: what a fresh chip holds; --flash: the chip, made when it is not there;\n"
    "--pty: a link that is there while the board is; --ramp: rises by 10 mV a second from there;\n"
    "--cut-after-page: the power goes when so many pages of flash have been written\n";

struct Options {
  std::string bootloader, app, flash, link;
  std::array<int, 8> millivolts{};
  std::array<bool, 8> rises{};
  unsigned cut_after_page = 0;  ///< 0: never
};

[[noreturn]] void fail(const std::string& what) {
  std::cerr << "avr_board: " << what << '\n';
  std::exit(1);
}

template <typename Number>
Number parse(std::string_view text, int base = 10) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc{} || at != end) fail("not a number: " + std::string(text));
  return number;
}

void set_pin(Options& options, std::string_view text, bool rises) {
  if (text.size() < 3 || text[0] < '0' || text[0] > '7' || text[1] != '=') {
    fail("not PIN=MILLIVOLTS: " + std::string(text));
  }
  const auto pin = static_cast<std::size_t>(text[0] - '0');
  options.millivolts[pin] = parse<int>(text.substr(2));
  options.rises[pin] = rises;
}

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = words[i], value = words[i + 1];
    if (name == "--app")
      options.app = value;
    else if (name == "--flash")
      options.flash = value;
    else if (name == "--pty")
      options.link = value;
    else if (name == "--bootloader")
      options.bootloader = value;
    else if (name == "--adc" || name == "--ramp")
      set_pin(options, value, name == "--ramp");
    else if (name == "--cut-after-page")
      options.cut_after_page = parse<unsigned>(value);
    else
      fail(kUsage);
  }
  if (count % 2 == 0 || options.bootloader.empty()) fail(kUsage);
  return options;
}

using Flash = std::array<std::uint8_t, kFlashSize>;

/// Intel HEX of a part of 32 KiB: data (00) and end (01); the start addresses that it may hold (03,
/// 05) are not for an AVR.
void load_hex(const std::string& path, Flash& flash) {
  std::ifstream file(path);
  if (!file) fail("cannot read " + path);
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 1; i + 1 < line.size(); i += 2) {
      bytes.push_back(parse<std::uint8_t>(std::string_view(line).substr(i, 2), 16));
    }
    std::uint8_t sum = 0;
    for (const std::uint8_t byte : bytes) sum = static_cast<std::uint8_t>(sum + byte);
    if (line[0] != ':' || bytes.size() < 5 || bytes.size() != bytes[0] + 5U || sum != 0) {
      fail(path + " is not Intel HEX at " + line);
    }
    if (bytes[3] == 1) return;
    if (bytes[3] != 0) continue;
    const std::size_t address = bytes[1] * 256U + bytes[2];
    if (address + bytes[0] > flash.size()) fail(path + " is too large");
    std::copy_n(bytes.begin() + 4, bytes[0], flash.begin() + static_cast<std::ptrdiff_t>(address));
  }
  fail(path + " has no end");
}

/// The chip's flash as it was when the power went.
class FlashFile {
 public:
  explicit FlashFile(const Options& options) {
    flash_.fill(0xff);
    const bool is_fresh = options.flash.empty() || !std::filesystem::exists(options.flash);
    if (is_fresh && !options.app.empty()) load_hex(options.app, flash_);
    if (is_fresh) load_hex(options.bootloader, flash_);
    if (options.flash.empty()) return;
    file_ = ::open(options.flash.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file_ < 0) fail("cannot open " + options.flash);
    if (is_fresh) {
      write(0, flash_.data(), flash_.size());
    } else if (::pread(file_, flash_.data(), flash_.size(), 0) !=
               static_cast<ssize_t>(flash_.size())) {
      fail(options.flash + " is not a chip's flash");
    }
  }
  [[nodiscard]] const Flash& at_start() const { return flash_; }
  void write(std::size_t at, const std::uint8_t* bytes, std::size_t size) const {
    if (file_ < 0) return;
    if (::pwrite(file_, bytes, size, static_cast<off_t>(at)) != static_cast<ssize_t>(size)) {
      fail("cannot write the flash's file");
    }
  }

 private:
  Flash flash_{};
  int file_ = -1;
};

/// The USB side: a pty, and whether somebody has it open.
class Line {
 public:
  explicit Line(const std::string& link) : link_(link) {
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0) fail("no pty");
    name_ = ::ptsname(master_);
    // Raw from the start, or what the board says would be echoed to it. Once closed, it hangs up.
    const int slave = ::open(name_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios settings{};
    ::tcgetattr(slave, &settings);
    ::cfmakeraw(&settings);
    ::tcsetattr(slave, TCSANOW, &settings);
    ::close(slave);
    watch_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (::inotify_add_watch(watch_, name_.c_str(), IN_OPEN | IN_CLOSE) < 0) fail("cannot watch");
    if (link_.empty()) return;
    const std::string fresh = link_ + ".new";
    std::filesystem::remove(fresh);
    std::filesystem::create_symlink(name_, fresh);
    std::filesystem::rename(fresh, link_);
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  void unlink() const {
    std::error_code nobody_elses;
    if (std::filesystem::read_symlink(link_, nobody_elses) == name_) ::unlink(link_.c_str());
  }
  /// Whether it was opened after nobody had it.
  bool was_opened() {
    bool opened = false;
    alignas(inotify_event) std::array<char, 4096> buffer;
    ssize_t size = 0;
    while ((size = ::read(watch_, buffer.data(), buffer.size())) > 0) {
      for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        if ((event->mask & IN_OPEN) != 0)
          opened |= openers_++ == 0;
        else
          openers_ = std::max(0, openers_ - 1);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
    // Equal events that follow each other are told as one, so the count may be wrong.
    pollfd state{master_, POLLIN, 0};
    ::poll(&state, 1, 0);
    if ((state.revents & POLLHUP) != 0)
      openers_ = 0;
    else
      openers_ = std::max(1, openers_);
    return opened;
  }
  /// As much as fits; what nobody reads is gone.
  void send(std::string& bytes) const {
    if (openers_ > 0 && !bytes.empty()) (void)!::write(master_, bytes.data(), bytes.size());
    bytes.clear();
  }
  void receive(std::string& queue) const {
    std::array<char, kQueueMost> buffer;
    const std::size_t room = kQueueMost - std::min(kQueueMost, queue.size());
    const ssize_t size = room == 0 ? 0 : ::read(master_, buffer.data(), room);
    if (size > 0) queue.append(buffer.data(), static_cast<std::size_t>(size));
  }

 private:
  std::string link_, name_;
  int master_ = -1, watch_ = -1, openers_ = 0;
};

/// The microcontroller.
class Chip {
 public:
  /// `at` begins a page that was erased or, with `is_written`, written.
  using OnPage = std::function<void(std::size_t at, const std::uint8_t* bytes, bool is_written)>;

  Chip(const Flash& flash, OnPage on_page)
      : avr_(avr_make_mcu_by_name("atmega328p")), on_page_(std::move(on_page)) {
    if (avr_ == nullptr) fail("libsimavr knows no atmega328p");
    avr_init(avr_);
    avr_->frequency = kHz;
    avr_->vcc = avr_->avcc = avr_->aref = kMillivolts;
    avr_->codeend = avr_->flashend;
    avr_->reset_pc = kBootloader;
    avr_->sleep = [](avr_t*, avr_cycle_count_t) {};
    avr_->custom.data = this;
    std::copy(flash.begin(), flash.end(), avr_->flash);
    std::uint32_t flags = 0;  // neither slow nor talkative
    avr_ioctl(avr_, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr_, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT),
                            &Chip::on_output, this);
    for (avr_io_t* io = avr_->io_port; io != nullptr; io = io->next) {
      // The first member of each of them is its avr_io_t.
      if (std::strcmp(io->kind, "uart") == 0) uart_ = reinterpret_cast<avr_uart_t*>(io);
      if (std::strcmp(io->kind, "flash") == 0) flash_ioctl_ = std::exchange(io->ioctl, on_flash);
    }
    if (uart_ == nullptr || flash_ioctl_ == nullptr) fail("libsimavr's atmega328p is another");
    reset(avr_->reset_flags.porf);
  }
  void press_reset() {
    input.clear();
    output.clear();
    reset(avr_->reset_flags.extrf);
    held_slices_ = kResetSlices;
  }
  void set_pin(std::size_t pin, int millivolts) {
    avr_raise_irq(avr_io_getirq(avr_, AVR_IOCTL_ADC_GETIRQ, static_cast<int>(ADC_IRQ_ADC0 + pin)),
                  static_cast<std::uint32_t>(millivolts));
  }
  void run_slice() {
    if (held_slices_ > 0) {
      --held_slices_;
      input.clear();
      return;
    }
    slice_end_ += kCyclesPerSlice;
    while (avr_->cycle < slice_end_) {
      if (avr_->cycle >= next_byte_) take_byte();
      const int state = avr_run(avr_);
      if (state == cpu_Crashed || state == cpu_Done) avr_->cycle = slice_end_;  // until a reset
    }
  }

  std::string input, output;  ///< of its UART: bytes that come to it, and that it sent

 private:
  static void on_output(avr_irq_t*, std::uint32_t value, void* chip) {
    static_cast<Chip*>(chip)->output += static_cast<char>(value);
  }
  /// The SPM instruction. The lock bits of an Uno keep the bootloader from writing over itself.
  static int on_flash(avr_io_t* io, std::uint32_t control, void* parameter) {
    Chip& chip = *static_cast<Chip*>(io->avr->custom.data);
    const avr_flash_t& flash = *reinterpret_cast<avr_flash_t*>(io);
    avr_t* avr = io->avr;
    const bool is_written = avr_regbit_get(avr, flash.pgwrt) != 0;
    const bool is_change =
        control == AVR_IOCTL_FLASH_SPM && (is_written || avr_regbit_get(avr, flash.pgers) != 0);
    const std::size_t z = avr->data[R_ZL] | avr->data[R_ZH] << 8;
    if (is_change && z >= kBootloader) {
      avr_regbit_clear(avr, flash.selfprgen);
      return 0;
    }
    const int result = chip.flash_ioctl_(io, control, parameter);
    const std::size_t page = z / kPageSize * kPageSize;
    if (is_change) chip.on_page_(page, avr->flash + page, is_written);
    return result;
  }
  void reset(avr_regbit_t cause) {
    avr_reset(avr_);
    avr_regbit_set(avr_, cause);
    slice_end_ = next_byte_ = avr_->cycle;
  }
  /// A byte comes at the rate that the firmware set; one that finds the UART full is lost, as in
  /// the chip.
  void take_byte() {
    const unsigned divisor = avr_regbit_get(avr_, uart_->u2x) != 0 ? 8 : 16;
    const unsigned rate = avr_->data[uart_->ubrrl.reg] | (avr_->data[uart_->ubrrh.reg] & 0xfU) << 8;
    next_byte_ = avr_->cycle + 10 * divisor * (rate + 1);
    if (input.empty()) return;
    const int unread = (uart_->input.write - uart_->input.read) & (uart_fifo_fifo_size - 1);
    if (unread < kUnreadMost) {
      avr_raise_irq(avr_io_getirq(avr_, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT),
                    static_cast<std::uint8_t>(input[0]));
    }
    input.erase(0, 1);
  }

  avr_t* avr_;
  OnPage on_page_;
  avr_uart_t* uart_ = nullptr;
  int (*flash_ioctl_)(avr_io_t*, std::uint32_t, void*) = nullptr;
  int held_slices_ = 0;
  avr_cycle_count_t slice_end_ = 0, next_byte_ = 0;
};

volatile std::sig_atomic_t ended = 0;  // NOLINT: set by a signal

/// One slice after the other, each at its time.
class Pace {
 public:
  void wait() {
    next_ += kSlice;
    const auto now = std::chrono::steady_clock::now();
    if (now > next_ + kLateMost) next_ = now;
    std::this_thread::sleep_until(next_);
  }

 private:
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now();
};

void set_pins(const Options& options, Chip& chip, std::uint64_t slices) {
  for (std::size_t pin = 0; pin < options.millivolts.size(); ++pin) {
    const int risen = options.rises[pin] ? static_cast<int>(slices / 100 % kMillivolts) : 0;
    chip.set_pin(pin, (options.millivolts[pin] + risen) % (kMillivolts + 1));
  }
}

void run(const Options& options) {
  const FlashFile flash(options);
  Line line(options.link);
  unsigned pages = 0;
  Chip chip(flash.at_start(), [&](std::size_t at, const std::uint8_t* bytes, bool is_written) {
    flash.write(at, bytes, kPageSize);
    if (!is_written || ++pages != options.cut_after_page) return;
    line.unlink();
    (void)std::raise(SIGKILL);
  });
  std::cout << line.name() << "\nready" << std::endl;
  Pace pace;
  for (std::uint64_t slice = 0; ended == 0; ++slice) {
    set_pins(options, chip, slice);
    if (line.was_opened()) chip.press_reset();
    line.receive(chip.input);
    chip.run_slice();
    line.send(chip.output);
    pace.wait();
  }
  line.unlink();
}

}  // namespace

int main(int count, char** words) {
  const Options options = read_options(count, words);
  for (const int signal : {SIGTERM, SIGINT}) (void)std::signal(signal, [](int) { ended = 1; });
  avr_global_logger_set([](avr_t*, int, const char*, va_list) {});
  run(options);
  return 0;
}
