// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78): slicing-by-8 tables, the processor's instruction with three
// interleaved streams, and for blocks folding with wide carry-less multiplication.
//
//   block  [ stream A: n bytes ][ stream B: n bytes ][ stream C: n bytes ]
//   crc = shift(shift(A, n) ^ B, n) ^ C          shift(c, n): c followed by n zero bytes
//
// The instruction has a latency of three cycles and a throughput of one per cycle: three independent streams keep it
// busy. shift is linear over GF(2), so four 256-entry tables (one for each byte of c) hold it for a fixed n.
//
//   folding     state (4 × 512 bits) · x^2048 + next 256 bytes, again and again; then 2048 ─▶ 512 ─▶ 128 ─▶ 32 bits
//
// Folding keeps a remainder that is longer than the checksum: 128 bits V, first bytes in the low half, move on by D bits as
// low · x^(D + 64) + high · x^D. A product of two reflected 64-bit numbers, one of them a 32-bit constant, comes out multiplied
// by x^33, so the constants are x^(D + 31) and x^(D - 33) modulo the polynomial. Three streams take 8 bytes a cycle; this takes
// some 30.
//
// Source: V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel, 2009.
//
// Invariants
// 1. The hardware forms and the portable form give the same value for every input (a test holds one against the other).
// 2. The tables are filled once, before main, and only read afterwards.

#include "csystem.h"

#include <string.h>

#define POLYNOMIAL 0x82F63B78u

// The stream lengths in bytes, multiples of 8: three long ones cover 4,080 bytes of a 4 KiB page.
#define LONG_STREAM 1360
#define SHORT_STREAM 336

static uint32_t slices[8][256];

static uint32_t advance_bit(uint32_t crc) { return (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1u))); }

static inline uint64_t load64(const uint8_t *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

static uint32_t advance_portable(uint32_t crc, const uint8_t *p, size_t count) {
  while (count >= 8) {
    uint64_t word = load64(p) ^ crc;
    crc = slices[7][word & 0xFF] ^ slices[6][(word >> 8) & 0xFF] ^ slices[5][(word >> 16) & 0xFF] ^
          slices[4][(word >> 24) & 0xFF] ^ slices[3][(word >> 32) & 0xFF] ^
          slices[2][(word >> 40) & 0xFF] ^ slices[1][(word >> 48) & 0xFF] ^ slices[0][word >> 56];
    p += 8;
    count -= 8;
  }
  while (count-- > 0) crc = slices[0][(crc ^ *p++) & 0xFF] ^ (crc >> 8);
  return crc;
}

uint32_t betula_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  return ~advance_portable(~crc, bytes, count);
}

#if defined(__x86_64__)
#define HAS_INSTRUCTION 1
#define INSTRUCTION __attribute__((target("sse4.2")))
#include <nmmintrin.h>
INSTRUCTION static inline uint32_t advance64(uint32_t crc, uint64_t word) {
  return (uint32_t)_mm_crc32_u64(crc, word);
}
INSTRUCTION static inline uint32_t advance8(uint32_t crc, uint8_t byte) { return _mm_crc32_u8(crc, byte); }
static int detect(void) { return __builtin_cpu_supports("sse4.2") ? 1 : 0; }
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#define HAS_INSTRUCTION 1
#define INSTRUCTION
#include <arm_acle.h>
static inline uint32_t advance64(uint32_t crc, uint64_t word) { return __crc32cd(crc, word); }
static inline uint32_t advance8(uint32_t crc, uint8_t byte) { return __crc32cb(crc, byte); }
static int detect(void) { return 1; }
#else
static int detect(void) { return 0; }
#endif

static int hardware = 0;

#if HAS_INSTRUCTION
static uint32_t long_shift[4][256];
static uint32_t short_shift[4][256];

static void fill_shift(uint32_t table[4][256], size_t zero_byte_count) {
  // The images of the 32 unit vectors; every other entry is a sum of these.
  uint32_t images[32];
  for (int bit = 0; bit < 32; bit++) {
    uint32_t crc = 1u << bit;
    for (size_t i = 0; i < zero_byte_count; i++) crc = slices[0][crc & 0xFF] ^ (crc >> 8);
    images[bit] = crc;
  }
  for (int part = 0; part < 4; part++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t sum = 0;
      for (int bit = 0; bit < 8; bit++) {
        if (byte >> bit & 1) sum ^= images[8 * part + bit];
      }
      table[part][byte] = sum;
    }
  }
}

static inline uint32_t shift(const uint32_t table[4][256], uint32_t crc) {
  return table[0][crc & 0xFF] ^ table[1][(crc >> 8) & 0xFF] ^ table[2][(crc >> 16) & 0xFF] ^ table[3][crc >> 24];
}

INSTRUCTION static inline uint32_t advance_three(
    uint32_t crc, const uint8_t *p, size_t stream, const uint32_t table[4][256]) {
  uint32_t a = crc, b = 0, c = 0;
  for (size_t i = 0; i < stream; i += 8) {
    a = advance64(a, load64(p + i));
    b = advance64(b, load64(p + stream + i));
    c = advance64(c, load64(p + 2 * stream + i));
  }
  return shift(table, shift(table, a) ^ b) ^ c;
}

#if defined(__x86_64__)
#define FOLDING __attribute__((target("sse4.2,pclmul,avx512f,vpclmulqdq")))
#include <immintrin.h>

static int folds = 0;
// Pairs (low, high) of constants: for 2048 bits, for 512 bits, and for the first three of four 128-bit parts to the last.
static uint64_t fold_far[8], fold_near[8], fold_last[8];

static uint32_t power(unsigned exponent) {
  uint32_t remainder = 0x80000000u;  // x^0, reflected
  for (unsigned i = 0; i < exponent; i++) remainder = advance_bit(remainder);
  return remainder;
}

static void fill_folds(void) {
  for (int part = 0; part < 4; part++) {
    fold_far[2 * part] = power(2048 + 31);
    fold_far[2 * part + 1] = power(2048 - 33);
    fold_near[2 * part] = power(512 + 31);
    fold_near[2 * part + 1] = power(512 - 33);
  }
  for (int part = 0; part < 3; part++) {
    unsigned distance = 128 * (3 - (unsigned)part);
    fold_last[2 * part] = power(distance + 31);
    fold_last[2 * part + 1] = power(distance - 33);
  }
  folds = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("avx512f") &&
          __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("vpclmulqdq");
}

FOLDING static inline __m512i fold(__m512i state, __m512i constants, __m512i next) {
  __m512i low = _mm512_clmulepi64_epi128(state, constants, 0x00);
  __m512i high = _mm512_clmulepi64_epi128(state, constants, 0x11);
  return _mm512_ternarylogic_epi64(low, high, next, 0x96);
}

// A multiple of 64 bytes, at least 256.
FOLDING static uint32_t advance_folding(uint32_t crc, const uint8_t *p, size_t count) {
  const __m512i far = _mm512_loadu_si512(fold_far);
  __m512i a = _mm512_loadu_si512(p), b = _mm512_loadu_si512(p + 64);
  __m512i c = _mm512_loadu_si512(p + 128), d = _mm512_loadu_si512(p + 192);
  a = _mm512_xor_si512(a, _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)crc)));
  for (p += 256, count -= 256; count >= 256; p += 256, count -= 256) {
    a = fold(a, far, _mm512_loadu_si512(p));
    b = fold(b, far, _mm512_loadu_si512(p + 64));
    c = fold(c, far, _mm512_loadu_si512(p + 128));
    d = fold(d, far, _mm512_loadu_si512(p + 192));
  }
  const __m512i near = _mm512_loadu_si512(fold_near);
  d = fold(fold(fold(a, near, b), near, c), near, d);
  for (; count > 0; p += 64, count -= 64) d = fold(d, near, _mm512_loadu_si512(p));
  // The last part stays as it is: its constants are zero.
  const __m512i last = _mm512_loadu_si512(fold_last);
  __m512i parts = _mm512_xor_si512(_mm512_clmulepi64_epi128(d, last, 0x00), _mm512_clmulepi64_epi128(d, last, 0x11));
  __m128i sum = _mm_xor_si128(_mm512_castsi512_si128(parts), _mm512_extracti32x4_epi32(parts, 1));
  sum = _mm_xor_si128(sum, _mm512_extracti32x4_epi32(parts, 2));
  sum = _mm_xor_si128(sum, _mm512_extracti32x4_epi32(d, 3));
  uint32_t folded = advance64(0, (uint64_t)_mm_cvtsi128_si64(sum));
  return advance64(folded, (uint64_t)_mm_extract_epi64(sum, 1));
}
#endif

INSTRUCTION static uint32_t advance_hardware(uint32_t crc, const uint8_t *p, size_t count) {
#if defined(__x86_64__)
  if (folds && count >= 512) {
    size_t whole = count / 64 * 64;
    crc = advance_folding(crc, p, whole);
    p += whole;
    count -= whole;
  }
#endif
  while (count >= 3 * LONG_STREAM) {
    crc = advance_three(crc, p, LONG_STREAM, long_shift);
    p += 3 * LONG_STREAM;
    count -= 3 * LONG_STREAM;
  }
  while (count >= 3 * SHORT_STREAM) {
    crc = advance_three(crc, p, SHORT_STREAM, short_shift);
    p += 3 * SHORT_STREAM;
    count -= 3 * SHORT_STREAM;
  }
  while (count >= 8) {
    crc = advance64(crc, load64(p));
    p += 8;
    count -= 8;
  }
  while (count-- > 0) crc = advance8(crc, *p++);
  return crc;
}
#endif

__attribute__((constructor)) static void fill_tables(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = advance_bit(crc);
    slices[0][byte] = crc;
  }
  for (int slice = 1; slice < 8; slice++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t crc = slices[slice - 1][byte];
      slices[slice][byte] = slices[0][crc & 0xFF] ^ (crc >> 8);
    }
  }
#if HAS_INSTRUCTION
  fill_shift(long_shift, LONG_STREAM);
  fill_shift(short_shift, SHORT_STREAM);
#if defined(__x86_64__)
  fill_folds();
#endif
#endif
  hardware = detect();
}

uint32_t betula_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if HAS_INSTRUCTION
  if (hardware) return ~advance_hardware(~crc, bytes, count);
#endif
  return betula_crc32c_portable(crc, bytes, count);
}

int betula_crc32c_is_hardware(void) { return hardware; }
