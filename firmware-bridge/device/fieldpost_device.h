/* Sends readings from a microcontroller to fieldpost-bridge: SenML-CBOR (RFC 8428) in COBS frames
 * with a CRC-16 and a sequence number. C11, no heap; copy these two files into a firmware.
 * The frame is specified in firmware-bridge/README.md. One device, one caller: not from
 * interrupts. */
#ifndef FIELDPOST_DEVICE_H
#define FIELDPOST_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What lies in flash on parts whose constants would take RAM otherwise. */
#ifdef __AVR__
#include <avr/pgmspace.h>
#define FP_ROM PROGMEM
#else
#define FP_ROM
#endif

/* Bytes of RAM for one frame, at most 255. A record takes its name's length and 9 bytes at most. */
#ifndef FP_FRAME_SIZE
#define FP_FRAME_SIZE 192
#endif

/* Why the processor started. */
enum fp_boot {
  FP_BOOT_UNKNOWN = 0,
  FP_BOOT_POWER = 1,
  FP_BOOT_RESET_PIN = 2,
  FP_BOOT_BROWN_OUT = 3,
  FP_BOOT_WATCHDOG = 4,
  FP_BOOT_SOFTWARE = 5
};

/* One thing that is measured. Both texts are FP_ROM; unit: of SenML (RFC 8428, section 12.1), such
 * as "Cel", "V", "%RH"; "" for none. Name and unit together at most 120 bytes. */
struct fp_series {
  const char* name;
  const char* unit;
};

/* FP_ROM, and so is all that it points to. */
struct fp_info {
  const char* name;     /* of the device: [a-z0-9_-], at most 63 bytes */
  const char* firmware; /* its version, at most 63 bytes */
  const struct fp_series* series;
  uint8_t series_count;
};

/* The caller owns it; only the functions below look inside. */
struct fp_device {
  const struct fp_info* info;
  void (*put)(uint8_t byte); /* sends a byte, waiting until there is room */
  uint16_t sequence;
  uint8_t boot;
  uint8_t size;  /* of the frame so far; 0: none is open */
  uint8_t heard; /* bytes of the question that were seen */
  uint8_t frame[FP_FRAME_SIZE];
};

/* Says who is there and what it measures. Call it once, after the UART is ready. */
void fp_begin(struct fp_device* device, const struct fp_info* info, void (*put)(uint8_t byte),
              enum fp_boot boot);

/* Each adds a reading, stamped by the bridge when it arrives. `series` is an index into the info's;
 * one that is too large is passed over, and so is a value that is not finite. A full frame is
 * sent. */
void fp_add_float(struct fp_device* device, uint8_t series, float value);
void fp_add_integer(struct fp_device* device, uint8_t series, int32_t value);
void fp_add_bool(struct fp_device* device, uint8_t series, bool value);

/* Sends what was added. Without anything it does nothing. */
void fp_send(struct fp_device* device);

/* Takes a byte that came from the bridge, and answers when it asks who is there. */
void fp_receive(struct fp_device* device, uint8_t byte);

#ifdef __cplusplus
}
#endif

#endif
