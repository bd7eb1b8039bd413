// The order of keys: unsigned bytes, lexicographic, a prefix before what it begins.
//
// Eight bytes are compared at a time: a big-endian load makes numeric order equal to byte order. The last, partial
// step re-reads bytes already found equal, so that nothing outside the keys is touched.

/// Compares two keys of given lengths.
///
/// - Returns: negative when the first sorts first, 0 when equal, positive otherwise.
@inlinable @inline(__always) public func compareKeys(
  _ first: UnsafeRawPointer, _ firstByteCount: Int, _ second: UnsafeRawPointer, _ secondByteCount: Int
) -> Int {
  let common = min(firstByteCount, secondByteCount)
  var offset = 0
  while offset + 8 <= common {
    let a = first.bigEndianU64(offset)
    let b = second.bigEndianU64(offset)
    if a != b { return a < b ? -1 : 1 }
    offset += 8
  }
  if offset < common {
    if common >= 8 {
      let a = first.bigEndianU64(common - 8)
      let b = second.bigEndianU64(common - 8)
      if a != b { return a < b ? -1 : 1 }
    } else {
      let a = keyHead(first, common)
      let b = keyHead(second, common)
      if a != b { return a < b ? -1 : 1 }
    }
  }
  return firstByteCount - secondByteCount
}

/// Compares two keys; negative, 0 or positive as the first sorts before, with or after the second.
@inlinable public func compareKeys(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Int {
  guard let a = first.baseAddress, let b = second.baseAddress else { return first.count - second.count }
  return compareKeys(a, first.count, b, second.count)
}

/// Compares two keys; negative, 0 or positive as the first sorts before, with or after the second.
@inlinable public func compareKeys(_ first: borrowing RawSpan, _ second: borrowing RawSpan) -> Int {
  first.withUnsafeBytes { a in second.withUnsafeBytes { b in compareKeys(a, b) } }
}

/// The first eight bytes of a key as a big-endian integer, missing bytes as zero.
///
/// For keys a and b: head(a) < head(b) implies a sorts before b; equal heads decide nothing. Reads nothing outside
/// the `byteCount` bytes.
@inlinable @inline(__always) public func keyHead(_ pointer: UnsafeRawPointer, _ byteCount: Int) -> UInt64 {
  if byteCount >= 8 { return pointer.bigEndianU64(0) }
  if byteCount >= 4 {
    let high = UInt64(UInt32(bigEndian: pointer.loadUnaligned(as: UInt32.self)))
    let last = UInt64(
      UInt32(bigEndian: pointer.loadUnaligned(fromByteOffset: byteCount - 4, as: UInt32.self)))
    // The two loads overlap by 8 − byteCount bytes: OR-ing the same bytes twice changes nothing.
    return high << 32 | last << UInt64(8 * (8 - byteCount))
  }
  if byteCount <= 0 { return 0 }
  // One to three bytes: first, middle and last name all of them.
  let middle = byteCount >> 1
  let top = UInt64(pointer.u8(0)) << 56
  let center = UInt64(pointer.u8(middle)) << UInt64(56 - 8 * middle)
  let last = UInt64(pointer.u8(byteCount - 1)) << UInt64(56 - 8 * (byteCount - 1))
  return top | center | last
}

/// The first eight bytes of a key as a big-endian integer, missing bytes as zero.
@inlinable public func keyHead(_ key: borrowing RawSpan) -> UInt64 {
  key.withUnsafeBytes { bytes in
    guard let base = bytes.baseAddress else { return 0 }
    return keyHead(base, bytes.count)
  }
}

/// How many leading bytes two byte strings share.
@inlinable public func commonPrefixByteCount(
  _ first: UnsafeRawPointer, _ firstByteCount: Int, _ second: UnsafeRawPointer, _ secondByteCount: Int
) -> Int {
  let common = min(firstByteCount, secondByteCount)
  var offset = 0
  while offset + 8 <= common {
    let difference = first.u64(offset) ^ second.u64(offset)
    if difference != 0 { return offset + difference.trailingZeroBitCount >> 3 }
    offset += 8
  }
  while offset < common, first.u8(offset) == second.u8(offset) { offset += 1 }
  return offset
}

/// How many leading bytes two byte strings share.
@inlinable public func commonPrefixByteCount(
  _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
) -> Int {
  guard let a = first.baseAddress, let b = second.baseAddress else { return 0 }
  return commonPrefixByteCount(a, first.count, b, second.count)
}

/// How many leading bytes two byte strings share.
@inlinable public func commonPrefixByteCount(_ first: borrowing RawSpan, _ second: borrowing RawSpan) -> Int {
  first.withUnsafeBytes { a in second.withUnsafeBytes { b in commonPrefixByteCount(a, b) } }
}
