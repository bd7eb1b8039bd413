// Unsigned integers in one to ten bytes (LEB128): seven bits a byte, low bits first, the top bit says "more follows".
//
//   300 = 0b10_0101100   →   1·0101100  0·0000010   =   AC 02
//
// Invariants
// 1. Each value has exactly one accepted form, the shortest; `decode` refuses the others.
// 2. `decode` never traps and never reads outside its bytes, whatever they are.

/// The LEB128 codec.
public enum Varint {
  /// The longest form, in bytes.
  public static var maximumByteCount: Int { 10 }

  /// A decoded value and the bytes it took.
  public struct Decoded: Equatable, Sendable {
    /// The value.
    public var value: UInt64
    /// The length of its form, 1 ... 10 bytes.
    public var byteCount: Int

    /// A value and the length of its form.
    @inlinable public init(value: UInt64, byteCount: Int) {
      self.value = value
      self.byteCount = byteCount
    }
  }

  /// The length of the form of `value`, 1 ... 10 bytes.
  @inlinable public static func size(of value: UInt64) -> Int {
    // Significant bits (at least one) divided by seven, rounded up.
    (64 - (value | 1).leadingZeroBitCount + 6) / 7
  }

  /// Writes the form of `value` at `pointer`, which has room for `size(of: value)` bytes.
  ///
  /// - Returns: the bytes written.
  @inlinable @discardableResult
  public static func encode(_ value: UInt64, to pointer: UnsafeMutableRawPointer) -> Int {
    var rest = value
    var offset = 0
    while rest >= 0x80 {
      pointer.setU8(offset, UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
      offset += 1
    }
    pointer.setU8(offset, UInt8(truncatingIfNeeded: rest))
    return offset + 1
  }

  /// Reads the value at `offset` of `bytes`; nil when it is cut off, longer than its shortest form, or above 64 bits.
  @inlinable public static func decode(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) -> Decoded? {
    guard offset >= 0, offset < bytes.count, let base = bytes.baseAddress else { return nil }
    return decode(UnsafeRawPointer(base + offset), byteCount: bytes.count - offset)
  }

  /// Reads the value at `offset` of a span; nil as above.
  @inlinable public static func decode(_ bytes: borrowing RawSpan, at offset: Int = 0) -> Decoded? {
    bytes.withUnsafeBytes { decode($0, at: offset) }
  }

  /// Reads the value at `pointer`, of which `byteCount` bytes may be read; nil as above.
  @inlinable public static func decode(_ pointer: UnsafeRawPointer, byteCount: Int) -> Decoded? {
    guard byteCount > 0 else { return nil }
    let first = pointer.u8(0)
    if first < 0x80 { return Decoded(value: UInt64(first), byteCount: 1) }
    var value = UInt64(first & 0x7F)
    var position = 1
    let limit = min(byteCount, maximumByteCount)
    while position < limit {
      let byte = pointer.u8(position)
      // The tenth byte holds bit 63 alone.
      if position == 9 && byte > 1 { return nil }
      value |= UInt64(byte & 0x7F) &<< UInt64(7 * position)
      position += 1
      if byte < 0x80 { return byte == 0 ? nil : Decoded(value: value, byteCount: position) }
    }
    return nil
  }
}
