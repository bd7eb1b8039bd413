#include "csystem.h"

uint32_t betula_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *p = bytes;
  crc = ~crc;
  for (size_t i = 0; i < count; i++) {
    crc ^= p[i];
    for (int k = 0; k < 8; k++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u)));
  }
  return ~crc;
}

uint32_t betula_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return betula_crc32c_portable(crc, bytes, count);
}
