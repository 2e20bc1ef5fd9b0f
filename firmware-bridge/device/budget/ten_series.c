/* A firmware that uses all of the library, with ten series and as little of its own as can be: what
 * the build measures against 2 KiB of flash and 256 bytes of RAM. */
#include <avr/io.h>

#include "../fieldpost_device.h"

#define SERIES(number)                                       \
  static const char name##number[] FP_ROM = "value" #number; \
  static const char unit##number[] FP_ROM = "Cel"
#define ENTRY(number) \
  { name##number, unit##number }

SERIES(0);
SERIES(1);
SERIES(2);
SERIES(3);
SERIES(4);
SERIES(5);
SERIES(6);
SERIES(7);
SERIES(8);
SERIES(9);
static const struct fp_series series[] FP_ROM = {ENTRY(0), ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4),
                                                 ENTRY(5), ENTRY(6), ENTRY(7), ENTRY(8), ENTRY(9)};
static const char name[] FP_ROM = "ten-series";
static const char version[] FP_ROM = "1.0.0";
static const struct fp_info info FP_ROM = {name, version, series, 10};

static void put(uint8_t byte) {
  while (!(UCSR0A & _BV(UDRE0))) {
  }
  UDR0 = byte;
}

int main(void) {
  static struct fp_device device;
  union {
    uint32_t bits;
    float value;
  } measured = {0};
  fp_begin(&device, &info, put, FP_BOOT_UNKNOWN);
  for (;;) {
    measured.bits = measured.bits << 8 | PINB;
    for (uint8_t i = 0; i < 8; ++i) fp_add_float(&device, i, measured.value);
    fp_add_integer(&device, 8, (int32_t)measured.bits);
    fp_add_bool(&device, 9, PIND & 1);
    fp_send(&device);
    if (UCSR0A & _BV(RXC0)) fp_receive(&device, UDR0);
  }
}
