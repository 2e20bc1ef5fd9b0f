/* An example for an ATmega328P at 16 MHz (Arduino Uno, Nano): tells two pins of its ADC and its
 * supply voltage ten times a second at 115200 baud, and its version and boot reason at the start.
 */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>
#include <util/delay.h>

#include "../fieldpost_device.h"

#ifndef FIRMWARE_VERSION
#define FIRMWARE_VERSION "1.0.0"
#endif

enum { kPins = 2, kBandgap = 14, kVcc = 2, kTicks = 3, kPauseMs = 10, kPausesPerRound = 10 };

static const char name[] FP_ROM = "adc-example";
static const char version[] FP_ROM = FIRMWARE_VERSION;
static const char a0[] FP_ROM = "a0";
static const char a1[] FP_ROM = "a1";
static const char vcc[] FP_ROM = "vcc";
static const char rounds[] FP_ROM = "rounds";
static const char volt[] FP_ROM = "V";
static const char none[] FP_ROM = "";
static const struct fp_series series[] FP_ROM = {
    {a0, volt}, {a1, volt}, {vcc, volt}, {rounds, none}};
static const struct fp_info info FP_ROM = {name, version, series, 4};

static void put(uint8_t byte) {
  while (!(UCSR0A & _BV(UDRE0))) {
  }
  UDR0 = byte;
}

/* What came in. The UART holds two bytes, and a round takes longer than a question. */
enum { kRingSize = 16 };
static volatile uint8_t ring[kRingSize];
static volatile uint8_t received, taken; /* bytes, counted modulo 256 */

ISR(USART_RX_vect) {
  const uint8_t byte = UDR0;
  if ((uint8_t)(received - taken) < kRingSize) ring[received++ % kRingSize] = byte;
}

static void begin_uart(void) {
  UCSR0A = _BV(U2X0);
  UBRR0 = 16; /* 117647 baud, 2.1 % off: nearest to 115200 at 16 MHz */
  UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
  UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
  sei();
}

/* Of the supply voltage's 1024 steps. */
static uint16_t convert(uint8_t channel) {
  ADMUX = _BV(REFS0) | channel;
  ADCSRA = _BV(ADEN) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0);
  _delay_ms(1); /* the bandgap needs it after a change of channels */
  ADCSRA |= _BV(ADSC);
  while (ADCSRA & _BV(ADSC)) {
  }
  return ADC;
}

/* What r2 held at the start: optiboot leaves the reset flags there, from its version 4.6 on. */
static uint8_t r2_at_start __attribute__((section(".noinit")));

__attribute__((naked, used, section(".init0"))) static void keep_r2(void) {
  __asm__ volatile("sts %0, r2" : "=m"(r2_at_start));
}

/* Without a bootloader the flags are all there. Optiboot has its version at the end of the flash:
 * before 7.0 it clears the flags, and starts us by its own watchdog after the reset pin, so that a
 * watchdog may be its own or ours; before 4.6 it tells nothing. From 7.0 on it leaves the flag of
 * the pin, and that of its own watchdog beside it in r2 only. */
static enum fp_boot boot_reason(void) {
  const uint16_t optiboot = pgm_read_word(FLASHEND - 1);
  uint8_t flags = MCUSR;
  MCUSR = 0;
  if (flags == 0 && optiboot >= 0x0406 && optiboot != 0xffff) {
    flags = r2_at_start & (uint8_t)~_BV(WDRF);
  }
  if (flags & _BV(PORF)) return FP_BOOT_POWER;
  if (flags & _BV(BORF)) return FP_BOOT_BROWN_OUT;
  if (flags & _BV(EXTRF)) return FP_BOOT_RESET_PIN;
  if (flags & _BV(WDRF)) return FP_BOOT_WATCHDOG;
  return FP_BOOT_UNKNOWN;
}

int main(void) {
  static struct fp_device device;
  const enum fp_boot reason = boot_reason();
  wdt_enable(WDTO_2S);
  begin_uart();
  fp_begin(&device, &info, put, reason);
  for (int32_t round = 0;; ++round) {
    const float bandgap = 1.1f;
    const float supply = bandgap * 1024 / (float)convert(kBandgap);
    for (uint8_t pin = 0; pin < kPins; ++pin) {
      fp_add_float(&device, pin, (float)convert(pin) * supply / 1024);
    }
    fp_add_float(&device, kVcc, supply);
    fp_add_integer(&device, kTicks, round);
    fp_send(&device);
    for (uint8_t i = 0; i < kPausesPerRound; ++i) {
      wdt_reset();
      while (taken != received) fp_receive(&device, ring[taken++ % kRingSize]);
      _delay_ms(kPauseMs);
    }
  }
}
