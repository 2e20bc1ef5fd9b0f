#include "fieldpost_device.h"

#include <string.h>

#ifdef __AVR__
#define ROM_BYTE(address) pgm_read_byte(address)
#define ROM_POINTER(address) pgm_read_ptr(address)
#else
#define ROM_BYTE(address) (*(address))
#define ROM_POINTER(address) (*(address))
#endif

_Static_assert(FP_FRAME_SIZE >= 144 && FP_FRAME_SIZE <= 255,
               "a frame is one COBS block, and holds a series' name and unit");

enum {
  kVersion = 1 << 4, /* of the protocol, with the frame's kind in the lower half */
  kBoot = 0,
  kHello = 1,
  kSeries = 2,
  kReadings = 3
};

enum { kTailSize = 3 }; /* CBOR's end of an array, and the CRC */

/* CBOR (RFC 8949): initial bytes. */
enum {
  kUnsigned = 0x00,
  kNegative = 0x20,
  kText = 0x60,
  kMapOfTwo = 0xa2,
  kArray = 0x9f, /* of a length that is not told */
  kFalse = 0xf4,
  kFloat = 0xfa,
  kBreak = 0xff
};

/* SenML (RFC 8428, section 6): labels in CBOR. */
enum { kName = 0, kValue = 2, kBoolValue = 4 };

/* The frame that asks: kind 10, sequence 0, CRC 0xcfdc, as COBS makes it of that, and its end. */
static const uint8_t kQuestion[] FP_ROM = {0x02, 0x1a, 0x01, 0x03, 0xdc, 0xcf, 0x00};

static void put(struct fp_device* device, uint8_t byte) {
  device->frame[device->size++] = byte;
}

static void open_frame(struct fp_device* device, uint8_t kind) {
  device->size = 1; /* COBS' first code goes before it */
  put(device, kVersion | kind);
  put(device, (uint8_t)device->sequence);
  put(device, (uint8_t)(device->sequence >> 8));
  put(device, kArray);
}

/* CRC-16/MCRF4XX: reflected polynomial 0x8408, initial value 0xffff. */
static uint16_t crc_of(const uint8_t* bytes, uint8_t size) {
  uint16_t crc = 0xffff;
  for (; size > 0; --size) {
    uint8_t x = (uint8_t)(crc ^ *bytes++);
    x ^= (uint8_t)(x << 4);
    crc = (uint16_t)((crc >> 8) ^ ((uint16_t)x << 8) ^ ((uint16_t)x << 3) ^ (x >> 4));
  }
  return crc;
}

/* COBS where it lies: each zero becomes the distance to the next. */
static void stuff(uint8_t* frame, uint8_t size) {
  uint8_t code = 0;
  for (uint8_t i = 1; i < size; ++i) {
    if (frame[i] != 0) continue;
    frame[code] = (uint8_t)(i - code);
    code = i;
  }
  frame[code] = (uint8_t)(size - code);
}

void fp_send(struct fp_device* device) {
  if (device->size == 0) return;
  put(device, kBreak);
  const uint16_t crc = crc_of(device->frame + 1, (uint8_t)(device->size - 1));
  put(device, (uint8_t)crc);
  put(device, (uint8_t)(crc >> 8));
  stuff(device->frame, device->size);
  device->put(0); /* ends what noise began */
  for (uint8_t i = 0; i < device->size; ++i) device->put(device->frame[i]);
  device->put(0);
  device->size = 0;
  device->sequence++;
}

static uint8_t length_of(const char* text) {
  uint8_t size = 0;
  while (ROM_BYTE(text + size) != 0 && size < FP_FRAME_SIZE) ++size;
  return size;
}

static void put_number(struct fp_device* device, uint8_t major, uint32_t value) {
  if (value < 24) {
    put(device, (uint8_t)(major | value));
    return;
  }
  uint8_t bytes = value > 0xffff ? 4 : value > 0xff ? 2 : 1;
  put(device, (uint8_t)(major | (bytes == 4 ? 26 : bytes == 2 ? 25 : 24)));
  while (bytes > 0) put(device, (uint8_t)(value >> (8 * --bytes)));
}

static void put_text(struct fp_device* device, const char* text, uint8_t most) {
  uint8_t size = length_of(text);
  if (size > most) size = most;
  put_number(device, kText, size);
  for (uint8_t i = 0; i < size; ++i) put(device, (uint8_t)ROM_BYTE(text + i));
}

static bool fits(const struct fp_device* device, uint8_t size) {
  return device->size + size + kTailSize <= FP_FRAME_SIZE;
}

static void say_hello(struct fp_device* device, uint8_t kind) {
  enum { kTextMax = 63, kPairMax = 120 };
  fp_send(device);
  open_frame(device, kind);
  put_text(device, (const char*)ROM_POINTER(&device->info->name), kTextMax);
  put_text(device, (const char*)ROM_POINTER(&device->info->firmware), kTextMax);
  put_number(device, kUnsigned, device->boot);
  fp_send(device);
  const struct fp_series* series = (const struct fp_series*)ROM_POINTER(&device->info->series);
  for (uint8_t left = ROM_BYTE(&device->info->series_count); left > 0; --left, ++series) {
    const char* name = (const char*)ROM_POINTER(&series->name);
    const char* unit = (const char*)ROM_POINTER(&series->unit);
    const uint8_t name_size = length_of(name);
    const uint8_t unit_size = length_of(unit);
    if (name_size > kPairMax || unit_size > kPairMax - name_size) continue;
    if (device->size > 0 && !fits(device, (uint8_t)(name_size + unit_size + 4))) fp_send(device);
    if (device->size == 0) open_frame(device, kSeries);
    put_text(device, name, name_size);
    put_text(device, unit, unit_size);
  }
  fp_send(device);
}

void fp_begin(struct fp_device* device, const struct fp_info* info, void (*put_byte)(uint8_t byte),
              enum fp_boot boot) {
  memset(device, 0, sizeof *device);
  device->info = info;
  device->put = put_byte;
  device->boot = (uint8_t)boot;
  say_hello(device, kBoot);
}

/* {0: name, label: …}; false: there is no such series. */
static bool begin_record(struct fp_device* device, uint8_t series, uint8_t label) {
  enum { kValueSizeMax = 5, kOverhead = 5 };
  if (series >= ROM_BYTE(&device->info->series_count)) return false;
  const struct fp_series* all = (const struct fp_series*)ROM_POINTER(&device->info->series);
  const char* name = (const char*)ROM_POINTER(&all[series].name);
  const uint8_t size = length_of(name);
  if (size > 120) return false;
  const uint8_t needed = (uint8_t)(size + kOverhead + kValueSizeMax);
  if (device->size > 0 && !fits(device, needed)) fp_send(device);
  if (device->size == 0) open_frame(device, kReadings);
  put(device, kMapOfTwo);
  put(device, kName);
  put_text(device, name, size);
  put(device, label);
  return true;
}

void fp_add_float(struct fp_device* device, uint8_t series, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint32_t exponent = 0x7f800000;
  if ((bits & exponent) == exponent) return; /* not finite */
  if (!begin_record(device, series, kValue)) return;
  put(device, kFloat);
  for (int8_t shift = 24; shift >= 0; shift = (int8_t)(shift - 8)) {
    put(device, (uint8_t)(bits >> shift));
  }
}

void fp_add_integer(struct fp_device* device, uint8_t series, int32_t value) {
  if (!begin_record(device, series, kValue)) return;
  const bool negative = value < 0;
  put_number(device, negative ? kNegative : kUnsigned,
             negative ? ~(uint32_t)value : (uint32_t)value);
}

void fp_add_bool(struct fp_device* device, uint8_t series, bool value) {
  if (begin_record(device, series, kBoolValue)) put(device, value ? kFalse + 1 : kFalse);
}

void fp_receive(struct fp_device* device, uint8_t byte) {
  if (byte != ROM_BYTE(&kQuestion[device->heard])) device->heard = 0;
  if (byte != ROM_BYTE(&kQuestion[device->heard])) return;
  if (++device->heard < sizeof kQuestion) return;
  device->heard = 0;
  say_hello(device, kHello);
}
