// The thin system shim: what the Swift standard library cannot say on Linux.
#ifndef BETULA_CSYSTEM_H
#define BETULA_CSYSTEM_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `count` bytes, continuing from `crc` (0 to begin). Uses the SSE4.2 or
/// ARMv8 instruction where the processor has one, a table otherwise; both give the same value.
uint32_t betula_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The table-driven form, always available; the tests hold the hardware form against it.
uint32_t betula_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
