// Integers in bytes: little-endian fields of pages and logs, big-endian integers that sort as keys.
//
// All forms take any alignment. They do not check bounds: the caller holds a view that has.

extension UnsafeRawPointer {
  /// The byte at `offset`.
  @inlinable @inline(__always) public func u8(_ offset: Int) -> UInt8 {
    load(fromByteOffset: offset, as: UInt8.self)
  }

  /// The little-endian 16-bit field at `offset`.
  @inlinable @inline(__always) public func u16(_ offset: Int) -> UInt16 {
    UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// The little-endian 32-bit field at `offset`.
  @inlinable @inline(__always) public func u32(_ offset: Int) -> UInt32 {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The little-endian 64-bit field at `offset`.
  @inlinable @inline(__always) public func u64(_ offset: Int) -> UInt64 {
    UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// The big-endian 64-bit integer at `offset`: its numeric order is the byte order of a key.
  @inlinable @inline(__always) public func bigEndianU64(_ offset: Int) -> UInt64 {
    UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}

extension UnsafeMutableRawPointer {
  /// The byte at `offset`.
  @inlinable @inline(__always) public func u8(_ offset: Int) -> UInt8 { UnsafeRawPointer(self).u8(offset) }

  /// The little-endian 16-bit field at `offset`.
  @inlinable @inline(__always) public func u16(_ offset: Int) -> UInt16 { UnsafeRawPointer(self).u16(offset) }

  /// The little-endian 32-bit field at `offset`.
  @inlinable @inline(__always) public func u32(_ offset: Int) -> UInt32 { UnsafeRawPointer(self).u32(offset) }

  /// The little-endian 64-bit field at `offset`.
  @inlinable @inline(__always) public func u64(_ offset: Int) -> UInt64 { UnsafeRawPointer(self).u64(offset) }

  /// The big-endian 64-bit integer at `offset`.
  @inlinable @inline(__always) public func bigEndianU64(_ offset: Int) -> UInt64 {
    UnsafeRawPointer(self).bigEndianU64(offset)
  }

  /// Writes the byte at `offset`.
  @inlinable @inline(__always) public func setU8(_ offset: Int, _ value: UInt8) {
    storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
  }

  /// Writes the little-endian 16-bit field at `offset`.
  @inlinable @inline(__always) public func setU16(_ offset: Int, _ value: UInt16) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt16.self)
  }

  /// Writes the little-endian 32-bit field at `offset`.
  @inlinable @inline(__always) public func setU32(_ offset: Int, _ value: UInt32) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }

  /// Writes the little-endian 64-bit field at `offset`.
  @inlinable @inline(__always) public func setU64(_ offset: Int, _ value: UInt64) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  /// Writes the big-endian 64-bit integer at `offset`.
  @inlinable @inline(__always) public func setBigEndianU64(_ offset: Int, _ value: UInt64) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self)
  }
}
